"""Words the values of an answer: for people on a terminal, or for programs that read a pipe."""

from datetime import datetime

from licensegate.app.admin.moments import from_now, lasting, size
from licensegate.language.language import Language

NOTHING = "-"
"""Stands for a value that is not there, so that columns can be counted."""


class Values:
    """For people: times of this place, `5 minutes ago`, `1.2 MB`. For programs: UTC, seconds and bytes as numbers."""

    def __init__(self, language: Language, now: datetime, *, for_people: bool) -> None:
        self.language = language
        self.for_people = for_people
        self._now = now

    def ago(self, when: datetime | None) -> str:
        """How far away a time is; for programs the time itself."""
        if when is None:
            return NOTHING
        return from_now(self.language, when, self._now) if self.for_people else _utc(when)

    def moment(self, when: datetime | None) -> str:
        """A time; for people the time of day if it is today."""
        if when is None:
            return NOTHING
        if not self.for_people:
            return _utc(when)
        here = when.astimezone()
        is_today = here.date() == self._now.astimezone().date()
        return f"{here:%H:%M:%S}" if is_today else f"{here:%Y-%m-%d %H:%M}"

    def day(self, when: datetime | None) -> str:
        """A date, of this place for people and in UTC for programs."""
        if when is None:
            return NOTHING
        return f"{when.astimezone():%Y-%m-%d}" if self.for_people else f"{when:%Y-%m-%d}"

    def lasting(self, seconds: float) -> str:
        """A duration."""
        return lasting(self.language, seconds) if self.for_people else str(int(seconds))

    def size(self, count: int) -> str:
        """A number of bytes."""
        return size(count) if self.for_people else str(count)


def _utc(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
