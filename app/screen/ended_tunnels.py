"""The tunnels that were ended, as a sentence and a table."""

from typing import Final

from licensegate.app.overview.ended_tunnels import EndedTunnel, EndedTunnels
from licensegate.language.language import N_, Language
from licensegate.language.phrases import reworded

from .tables import Block, Column, Headline, TableRow, TextTable
from .values import Values

NOT_FORBIDDEN: Final = N_("New ones are not forbidden: to keep them out, remove the user or the rule, and reload.")
_NONE: Final = N_("No open tunnel matches.")
_NOTHING_ENDED: Final = N_("Nothing was ended.")


def ended_tunnels(answer: EndedTunnels, values: Values, *, advice: str = "") -> list[Block]:
    """How many were ended, with the advice, and each of them."""
    language = values.language
    words = _how_many(answer, language)
    if answer.tunnels and advice and not answer.dry_run:
        words = f"{words}{language.gettext(' ')}{language.gettext(advice)}"
    return [Headline(words), *([_table(answer, language)] if answer.tunnels else ())]


def _how_many(answer: EndedTunnels, language: Language) -> str:
    number = len(answer.tunnels)
    if not number:
        return language.gettext(_NOTHING_ENDED if answer.unknown else _NONE)
    if answer.dry_run:
        return language.ngettext("{n} tunnel would be ended.", "{n} tunnels would be ended.", number).format(n=number)
    return language.ngettext("{n} tunnel was ended.", "{n} tunnels were ended.", number).format(n=number)


def _table(answer: EndedTunnels, language: Language) -> TextTable:
    gettext = language.gettext
    columns = (
        Column("ID"),
        Column(gettext("Client")),
        Column(gettext("Target")),
        Column(gettext("User"), gives_way=2),
        Column(gettext("Reason"), gives_way=1),
    )
    return TextTable("", columns, [_row(each, language) for each in answer.tunnels])


def _row(each: EndedTunnel, language: Language) -> TableRow:
    return TableRow((each.id, each.client, each.target, each.user, reworded(each.reason, language)))
