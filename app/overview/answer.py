"""What every answer begins with."""

from datetime import datetime
from typing import Final

from msgspec import Struct

SCHEMA: Final = 1
"""Raised by one when a field of an answer changes its name or its meaning; a new field does not raise it."""


class Answer(Struct, frozen=True, kw_only=True):
    """One answer: its format, the tag of the language of its texts, and when it was made."""

    schema: int = SCHEMA
    language: str
    made_at: datetime
