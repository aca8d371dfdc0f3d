"""What needs attention: one row for each thing that is wrong or soon will be, the most urgent first."""

from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct

LevelName: TypeAlias = Literal["ok", "unknown", "warning", "critical"]
"""How urgent it is. `unknown` is no alarm and not all right either. The labels of `licensing.clocks.Level`."""

About: TypeAlias = Literal["gate", "target", "client", "ledger", "log", "settings"]
"""What a row is about."""


class Attention(Struct, frozen=True, kw_only=True):
    """Something that needs attention, in words.

    `code` is the stable name of the kind of trouble, `name` the target or the client that it is about, empty for the
    gate itself. `key` leads to the client's page, empty for all others. `sentence` says what is wrong, `remedy` what to
    change. `until` is when it becomes worse (a deadline, the end of a certificate), None where no date is known.
    """

    level: LevelName
    level_word: str
    about: About
    code: str
    name: str
    sentence: str
    remedy: str
    key: str = ""
    until: datetime | None = None
