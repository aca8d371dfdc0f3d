"""Reads resolv.conf(5): the DNS servers, the search list and `ndots`. Text in, values out, as glibc reads it."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..step import StepResult, ok, warning

RESOLV_CONF: Final = Path("/etc/resolv.conf")

_MOST_SERVERS: Final = 3
"""glibc asks no more: MAXNS in resolv.h."""

_MOST_NDOTS: Final = 15
"""glibc counts no further: RES_MAXNDOTS in resolv.h."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")


class ResolverSettings(Struct, frozen=True):
    """What the system's resolver uses. `unused` are servers beyond the third, which it never asks."""

    servers: tuple[str, ...]
    unused: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1


def read_resolver_settings(path: Path = RESOLV_CONF) -> ResolverSettings:
    """The settings in a file; without one, as with an empty one, glibc asks a server on this host."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return parse_resolver_settings(text)


def parse_resolver_settings(text: str) -> ResolverSettings:
    """The settings in the text of a resolv.conf; lines that glibc would ignore are ignored."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    ndots = 1
    for line in text.splitlines():
        keyword, *words = line.split() or [""]
        match keyword:
            case "nameserver" if words:
                servers.append(words[0])
            case "search" | "domain":
                search = tuple(word.strip(".").lower() for word in words if word.strip("."))
            case "options":
                for word in words:
                    name, _, value = word.partition(":")
                    if name == "ndots" and _NUMBER.fullmatch(value):
                        ndots = min(int(value), _MOST_NDOTS)
    return ResolverSettings(
        tuple(servers[:_MOST_SERVERS]) or ("127.0.0.1",), tuple(servers[_MOST_SERVERS:]), search, ndots
    )


def judge_resolver(settings: ResolverSettings) -> StepResult:
    """Describe the resolver, and warn about servers that it never asks."""
    search = f"; search list {', '.join(settings.search)}, ndots {settings.ndots}" if settings.search else ""
    seen = f"DNS servers {', '.join(settings.servers)}{search}"
    if not settings.unused:
        return ok(seen)
    return warning(
        f"{seen}; never asked: {', '.join(settings.unused)}",
        f"keep the best {_MOST_SERVERS} servers in {RESOLV_CONF}: the system asks no more",
    )
