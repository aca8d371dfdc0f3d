"""Intervals as operators type them: a number with a unit, or "off"."""

import re
from typing import Final

_FORM: Final = 'write "off", or a whole number with s, m or h, like "5m"'
_EVERY: Final = re.compile(r"([0-9]{1,6})([smh])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_SHORTEST: Final = 10  # seconds; the servers that are asked are not ours
_LONGEST: Final = 86400


def read_every(text: str) -> int | None:
    """Read an interval in seconds, None for "off". Raises ValueError with a message that continues after the text."""
    if text == "off":
        return None
    parts = _EVERY.fullmatch(text)
    if parts is None:
        raise ValueError(f"is not an interval; {_FORM}")
    seconds = int(parts[1]) * _SECONDS[parts[2]]
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError('is not from 10 seconds to a day; write one like "5m"')
    return seconds
