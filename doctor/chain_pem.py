"""Fetches the certificates that targets show, as they are sent, for a bundle."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable
from functools import partial
from typing import Final

from licensegate.allowlist.target import Target
from licensegate.files.run_in_thread import run_in_thread
from licensegate.probe.exchange import Versions, exchange
from licensegate.probe.link import Link
from licensegate.probe.tunnel import NotReachedError, open_tunnel
from licensegate.proxy.settings import ListenAddress

_SECONDS: Final = 12.0
_AT_ONCE: Final = 4


async def fetch_chains(gate: ListenAddress, targets: Iterable[Target]) -> dict[str, str]:
    """The chain of each target in PEM, its own certificate first, through this gate; none for those that show none."""
    free = asyncio.Semaphore(_AT_ONCE)
    chains: dict[str, str] = {}

    async def fetch(target: Target) -> None:
        async with free:
            if chain := await run_in_thread(partial(_fetch_chain, gate, target), "doctor: chain"):
                chains[str(target)] = chain

    try:
        async with asyncio.timeout(2 * _SECONDS):
            await asyncio.gather(*map(fetch, targets))
    except TimeoutError:
        pass  # those that came are enough
    return chains


def _fetch_chain(gate: ListenAddress, target: Target) -> str:
    """The chain of one target; empty if it shows none in time. Blocks."""
    try:
        link = Link(socket.create_connection((gate.host, gate.port), _SECONDS), time.monotonic() + _SECONDS)
    except OSError:
        return ""
    try:
        open_tunnel(link, str(target), _SECONDS)
        seen = exchange(link, target.host, Versions.CURRENT, is_address=target.is_address)
    except NotReachedError:
        return ""
    finally:
        link.close()
    return "".join(map(ssl.DER_cert_to_PEM_cert, seen.chain))
