"""The gate at a glance: what the first page and `licensegate status` show."""

from collections.abc import Sequence
from typing import Final

from licensegate.language.language import N_, Language
from licensegate.licensing.clocks import Level

from .answer import Answer
from .attention import Attention
from .clients import ClientRow
from .gate_summary import GateSummary
from .refusals import RefusalRow
from .targets import TargetRow
from .tunnels import TunnelRow
from .words import LEVEL_NAMED, LevelName

_WELL: Final = N_("Everything is all right.")
_NOTES: Final = N_("Nothing is wrong; something is not known.")


class Overview(Answer, frozen=True, kw_only=True):
    """Everything in short, in one language.

    `level` is the worst of `attention`, `ok` if nothing needs any; `headline` says it in one sentence. `attention` has
    the most urgent first, and at most some of `attention_total`. `clients_by_level` counts all `clients_total`;
    `clients`, `refusals` and `tunnels` are the first rows of each list.
    """

    level: LevelName
    level_word: str
    headline: str
    attention: list[Attention]
    attention_total: int
    gate: GateSummary
    targets: list[TargetRow]
    clients: list[ClientRow]
    clients_total: int
    clients_by_level: dict[LevelName, int]
    refusals: list[RefusalRow]
    refusals_total: int
    tunnels: list[TunnelRow]


def worst_level(attention: Sequence[Attention]) -> LevelName:
    """The level of the gate as a whole; `ok` if nothing needs attention."""
    return max((row.level for row in attention), key=LEVEL_NAMED.__getitem__, default="ok")


def headline(attention: Sequence[Attention], language: Language) -> str:
    """How things stand, in one sentence."""
    urgent = sum(LEVEL_NAMED[row.level] > Level.UNKNOWN for row in attention)
    if urgent:
        text = language.ngettext("{n} thing needs attention.", "{n} things need attention.", urgent)
        return text.format(n=urgent)
    return language.gettext(_NOTES if attention else _WELL)
