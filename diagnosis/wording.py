"""A record's finding in words: by its code, filled in from the record."""

from typing import Final

from licensegate.language.language import ENGLISH, Language
from licensegate.language.phrases import reworded
from licensegate.records.finding import Certainty, Finding
from licensegate.records.record import TunnelRecord

from .codes import Code

_BY_LABEL: Final = {code.label: code for code in Code}


def finding_of(record: TunnelRecord, language: Language = ENGLISH) -> Finding | None:
    """The finding that stands in this record; None without one. A code of a newer release has the outcome's words."""
    if not record.finding:
        return None
    code = code_of(record.finding)
    certainty = record.certainty or Certainty.POSSIBLE
    if code is None or not code.sentence:
        sentence, remedy = record.sentence(language), record.remedy(language)
    else:
        sentence, remedy = record.fill(code.sentence, language), record.fill(code.remedy, language)
    return Finding(record.finding, certainty, reworded(record.evidence, language), sentence, remedy)


def code_of(label: str) -> Code | None:
    """The row of the table with this label; None if this release does not know it."""
    return _BY_LABEL.get(label)
