"""Clients that have fallen silent: nothing of them arrives, so there is no record to explain. Pure."""

from collections.abc import Sequence
from datetime import datetime

from licensegate.language.language import ENGLISH, Language
from licensegate.language.phrases import reworded
from licensegate.licensing.clocks import Level
from licensegate.licensing.rhythm import longest_silence, silence
from licensegate.records.finding import Finding

from .codes import Code

_SILENT = frozenset({Level.WARNING, Level.CRITICAL})


def never_arrived(
    client: str, contacts: Sequence[datetime], now: datetime, language: Language = ENGLISH
) -> Finding | None:
    """The finding for a known client that is silent beyond its rhythm; None while it is not."""
    if silence(contacts, now) not in _SILENT:
        return None
    usual = longest_silence(contacts)
    rhythm = f"; by its rhythm it is silent for {usual.total_seconds() / 3600:.0f} h at most" if usual else ""
    code = Code.NEVER_ARRIVED
    return Finding(
        code.label,
        code.certainty,
        reworded(f"its last contact was at {max(contacts):%Y-%m-%d %H:%M:%S} UTC{rhythm}", language),
        language.gettext(code.sentence).format(client=client),
        language.gettext(code.remedy).format(client=client),
    )
