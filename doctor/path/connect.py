"""The step `connect`: TCP to each address of a target or a parent proxy that may be dialled."""

import asyncio
import errno
import time
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from licensegate.allowlist.target import authority
from licensegate.records.record import milliseconds

from ..step import StepResult, failed, ok, warning

SECONDS: Final = 5.0
"""How long one address may take: time for a third SYN, sent 3 s after the first."""
_MOST_ADDRESSES: Final = 8

_WORDS: Final = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "no answer",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "no route",
    errno.EACCES: "forbidden by this host's own firewall",
    errno.EPERM: "forbidden by this host's own firewall",
}


class ConnectTry(Struct, frozen=True):
    """One address: how long it took, and the errno if it failed."""

    address: str
    port: int
    ms: float
    error: int = 0

    def __str__(self) -> str:
        where = authority(self.address, self.port)
        return f"{where} {_WORDS.get(self.error, errno.errorcode.get(self.error, 'failed'))}" if self.error else where


async def connect_each(addresses: Sequence[str], port: int, source: str = "") -> tuple[ConnectTry, ...]:
    """Connect to each address at the same time, the first few of many, and hang up."""
    return tuple(await asyncio.gather(*(_connect(each, port, source) for each in addresses[:_MOST_ADDRESSES])))


async def _connect(address: str, port: int, source: str) -> ConnectTry:
    local = (source, 0) if source and (":" in source) is (":" in address) else None
    began = time.monotonic()
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(address, port, local_addr=local)
    except TimeoutError:
        return ConnectTry(address, port, milliseconds(time.monotonic() - began), errno.ETIMEDOUT)
    except OSError as error:
        return ConnectTry(address, port, milliseconds(time.monotonic() - began), error.errno or errno.EIO)
    writer.close()
    return ConnectTry(address, port, milliseconds(time.monotonic() - began))


def judge_connects(tries: Iterable[ConnectTry], to_whom: str) -> StepResult:
    """Whether the addresses can be connected; `to_whom` is the target or the parent proxy, for the cure."""
    tries = tuple(tries)
    reached = [each for each in tries if not each.error]
    lost = [each for each in tries if each.error]
    if not lost:
        return ok(f"connected to {', '.join(f'{each} in {each.ms:.0f} ms' for each in reached)}")
    said = ", ".join(map(str, lost))
    if not reached:
        return failed(said, _cure({each.error for each in lost}, to_whom))
    if all(":" in each.address for each in lost) and not any(":" in each.address for each in reached):
        cure = "repair the route to IPv6 addresses, or take this host's IPv6 address away: connections begin with it"
    else:
        cure = _cure({each.error for each in lost}, to_whom)
    return warning(f"connected to {', '.join(map(str, reached))}; not to {said}", cure)


def _cure(errors: set[int], to_whom: str) -> str:
    allow = f"let this host connect to {to_whom} in the egress firewall"
    if errors <= {errno.ECONNREFUSED}:
        return f"{allow}: it is refused on the way, or nothing listens there"
    if errors <= {errno.ETIMEDOUT}:
        return f"{allow}: packets are dropped on the way"
    if errors <= {errno.EACCES, errno.EPERM}:
        return f"let the gate's user connect to {to_whom} in this host's own rules (nft list ruleset)"
    if errors <= {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return f"give this host a route to {to_whom} (ip route), or {allow}"
    return allow
