"""Times, durations and sizes as people read them, in their language. Pure."""

from datetime import datetime, timedelta
from typing import Final

from licensegate.language.language import Language

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_HOURS_SHOWN: Final = timedelta(hours=48)
_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")


def from_now(language: Language, when: datetime, now: datetime) -> str:
    """How far away a time is: `5 days ago`, `in 3 hours`. Whole units, rounded down."""
    ahead, distance = when > now, abs(when - now)
    if distance < _MINUTE:
        return language.gettext("just now")
    if distance < _HOUR:
        n = distance // _MINUTE
        some = (
            language.ngettext("in {n} minute", "in {n} minutes", n)
            if ahead
            else language.ngettext("{n} minute ago", "{n} minutes ago", n)
        )
    elif distance < _HOURS_SHOWN:
        n = distance // _HOUR
        some = (
            language.ngettext("in {n} hour", "in {n} hours", n)
            if ahead
            else language.ngettext("{n} hour ago", "{n} hours ago", n)
        )
    else:
        n = distance // _DAY
        some = (
            language.ngettext("in {n} day", "in {n} days", n)
            if ahead
            else language.ngettext("{n} day ago", "{n} days ago", n)
        )
    return some.format(n=n)


def lasting(language: Language, seconds: float) -> str:
    """A duration in its largest whole unit: `12 s`, `3 min`, `5 h`, `2 d`."""
    if seconds < 60:
        return language.gettext("{n} s").format(n=int(seconds))
    if seconds < 3600:
        return language.gettext("{n} min").format(n=int(seconds // 60))
    if seconds < 2 * 86400:
        return language.gettext("{n} h").format(n=int(seconds // 3600))
    return language.gettext("{n} d").format(n=int(seconds // 86400))


def size(count: int) -> str:
    """A number of bytes in powers of 1000: `812 B`, `1.2 MB`."""
    if count < 1000:
        return f"{count} B"
    number = float(count)
    for unit in _UNITS:
        number /= 1000
        if number < 999.5 or unit == _UNITS[-1]:
            break
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"
