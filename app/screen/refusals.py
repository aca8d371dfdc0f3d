"""The last connections that failed as a table, each with what happened and what to change."""

from collections.abc import Collection, Sequence

from licensegate.app.overview.refusals import RefusalList, RefusalRow

from .tables import Block, Column, TableRow, TextTable
from .values import Values


def refusal_list(answer: RefusalList, values: Values) -> list[Block]:
    """All of them, the newest first."""
    return [refusal_table("", answer.refusals, "", values)]


def refusal_table(
    title: str, rows: Sequence[RefusalRow], note: str, values: Values, known: Collection[str] = ()
) -> TextTable:
    """Failed connections, the newest first. For the clients in `known`, what is wrong has been said already."""
    gettext = values.language.gettext
    columns = (
        Column(gettext("Time")),
        Column(gettext("Client")),
        Column(gettext("Target")),
        Column(gettext("Finding"), gives_way=1),
        Column(gettext("Certainty"), gives_way=3),
        Column(gettext("Outcome"), gives_way=2),
        Column(gettext("What happened"), below=True),
        Column(gettext("What to change"), below=True),
    )
    empty = gettext("Nothing has failed since the gate started.")
    return TextTable(
        title, columns, [_row(each, values, is_known=each.client_name in known) for each in rows], empty, note
    )


def _row(each: RefusalRow, values: Values, *, is_known: bool) -> TableRow:
    return TableRow(
        (
            values.moment(each.time),
            each.client_name or each.client,
            each.target,
            each.finding or each.outcome,
            each.certainty_word if values.for_people else each.certainty,
            each.outcome,
            "" if is_known else each.sentence,
            "" if is_known else each.remedy,
        )
    )
