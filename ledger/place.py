"""Where the ledger is kept: a SQLite file, or a PostgreSQL database that several gates share."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.records.secret import Secret

FILE_NAME: Final = "ledger.sqlite3"
"""The ledger's file in the state directory."""

DAYS: Final = 400
"""How long the ledger remembers by default: a year, and a month to look back at it."""

_SCHEMES: Final = ("postgresql", "postgres")
_SECRET_PARAMETER: Final = re.compile(r"(?is)([?&](?:ssl)?password=)[^&]*")
_PASSWORD: Final = re.compile(r"(?s)^([^:/?#]*://[^:@/]*:).*@")  # greedy: an unescaped @ may be in it
HIDDEN: Final = "***"


class LedgerPlace(Struct, frozen=True):
    """A SQLite file, or the URL of a PostgreSQL database, which may hold a password. Without both, none is kept."""

    file: Path | None = None
    url: Secret | None = None

    @property
    def is_kept(self) -> bool:
        """Whether there is a ledger at all."""
        return self.file is not None or self.url is not None

    def is_same(self, other: "LedgerPlace") -> bool:
        """Whether both are one place, reached by the same login."""
        mine, theirs = (place.url.raw if place.url is not None else b"" for place in (self, other))
        return self.file == other.file and mine == theirs

    def __str__(self) -> str:
        if self.url is not None:
            return masked(self.url.raw.decode())
        return str(self.file or "no ledger")


class LedgerSettings(Struct, frozen=True):
    """Where the ledger is kept, and for how many days."""

    place: LedgerPlace = LedgerPlace()
    days: int = DAYS


_AFTER_HOSTS: Final = re.compile(r"[/?#]")
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::[^\[\]]*)?")
"""A URL of PostgreSQL may have several, between commas. Python's releases differ in the brackets that they accept."""


def url_fault(url: str) -> str:
    """Why this cannot be the URL of a PostgreSQL database, in words that quote nothing of it; empty if it can."""
    form = 'write "postgresql://USER:PASSWORD@HOST/DATABASE"'
    if not url.isprintable() or " " in url:
        return f"has a blank or an unprintable character; {form}, with %20 for a blank"
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        return f"is not the URL of a PostgreSQL database; {form}"
    login, at, _ = rest.partition("@")
    hosts = _AFTER_HOSTS.split(rest, maxsplit=1)[0].rpartition("@")[2].split(",")
    if not all(_HOST.fullmatch(host) for host in hosts):
        return f"has brackets that are not around an IPv6 address; {form}"
    ports = [port for host in hosts if (port := _port_of(host))]
    if rest.count("@") > 1 or (at and "/" in login) or not all(port.isascii() and port.isdecimal() for port in ports):
        return "has a character in its login that must be escaped: write %40 for @, %2F for /, %3A for :, %23 for #"
    return ""


def _port_of(host: str) -> str:
    return host.rpartition("]")[2].partition(":")[2]


def masked(url: str) -> str:
    """The URL without its passwords."""
    if not url:
        return ""
    return _SECRET_PARAMETER.sub(rf"\g<1>{HIDDEN}", _PASSWORD.sub(rf"\g<1>{HIDDEN}@", url))
