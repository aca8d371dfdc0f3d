"""A client's own rhythm: how often it makes contact, and how long a silence may last before it means something."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from .clocks import Level, days_until

LEAST_CONTACTS: Final = 5
FACTOR: Final = 3
LEAST_SILENCE: Final = timedelta(hours=24)
SILENT_DAYS: Final = (30, 60, 80, 90)
"""Days of silence that are worth a word to anybody: the contact of day 30 is missed, day 90 ends the authorization."""


def longest_silence(contacts: Sequence[datetime]) -> timedelta | None:
    """How long a healthy client is silent at most: three times its median gap, at least a day.

    None until there are five contacts. Their order does not matter; contacts of one moment count once.
    """
    return longest_silence_of(contact.timestamp() for contact in contacts)


def longest_silence_of(moments: Iterable[float]) -> timedelta | None:
    """The same of contacts in seconds since any moment."""
    gaps = [later - earlier for earlier, later in pairwise(sorted(moments)) if later > earlier]
    if len(gaps) < LEAST_CONTACTS - 1:
        return None
    return max(LEAST_SILENCE, timedelta(seconds=median(gaps) * FACTOR))


def silence(contacts: Sequence[datetime], now: datetime) -> Level:
    """The level of the silence since the last contact, by the client's rhythm and by the days of `SILENT_DAYS`."""
    return silence_since(max(contacts, default=None), longest_silence(contacts), now)


def silence_since(last: datetime | None, longest: timedelta | None, now: datetime) -> Level:
    """The level of the silence since the last contact, with the longest usual one at hand."""
    if last is None:
        return Level.UNKNOWN
    days = days_until(now, last)
    if days < -1:
        return Level.UNKNOWN  # a machine's clock has jumped
    if days >= SILENT_DAYS[2]:
        return Level.CRITICAL
    is_unusual = longest is not None and now - last > longest
    return Level.WARNING if days >= SILENT_DAYS[0] or is_unusual else Level.OK
