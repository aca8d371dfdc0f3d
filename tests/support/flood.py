"""Floods of connections from chosen addresses of this host, and what they leave in the gate."""

import contextlib
import os
import resource
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from operator import le
from types import TracebackType
from typing import Self

from support.gate import Gate
from support.raw_client import CONNECT, ask, read_answer
from support.requirements import missing
from support.sockets import spin_until
from support.upstream import SECONDS


def knock(gate: Gate, source: str = "127.0.0.1") -> socket.socket:
    """Connect to the gate from this address, with a timeout of SECONDS."""
    return socket.create_connection(("127.0.0.1", gate.port), SECONDS, (source, 0))


def tunnel_from(gate: Gate, source: str = "127.0.0.1", before: bytes = b"") -> socket.socket:
    """Open a tunnel from this address; `before` goes before the head."""
    connection = knock(gate, source)
    connection.sendall(before + CONNECT)
    answer = read_answer(connection)
    assert answer.status == 200, answer
    return connection


Say = Callable[[socket.socket], socket.socket | None]
"""Says something on a connection. Returns the TLS on it, if it started TLS."""


class Flood:
    """Connections that stay open as long as the gate lets them. A context manager, which closes them."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self.connections:
            connection.close()

    def grow(self, count: int, source: str, say: Say = lambda _: None) -> None:
        """Add connections from this address, which `say` something. The gate may close them at any time."""
        for _ in range(count):
            connection = knock(self._gate, source)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection = say(connection) or connection
            self.connections.append(connection)


def outcomes_so_far(gate: Gate) -> Counter[str]:
    """The outcomes in the access log, up to now, of connections that have ended."""
    answer = ask(gate, b"GET /last HTTP/1.1\r\n\r\n")
    gate.record(answer.record)
    return Counter(record["outcome"] for record in gate.records() if record["id"] != answer.record)


def descriptors_of(gate: Gate) -> int:
    """How many descriptors the gate has open."""
    return len(os.listdir(f"/proc/{gate.pid}/fd"))


@contextlib.contextmanager
def leaves_nothing_open(gate: Gate, *, idle_pipes: int = 0) -> Iterator[None]:
    """After the block, the gate gets back to the descriptors and threads that it had before.

    It may have `idle_pipes` more, which it keeps for the next tunnels.
    """

    def held() -> tuple[int, int]:
        return descriptors_of(gate), len(os.listdir(f"/proc/{gate.pid}/task"))

    descriptors, threads = held()
    before = descriptors + 2 * idle_pipes, threads
    yield
    spin_until(lambda: all(map(le, held(), before)))


def allow_descriptors(count: int) -> None:
    """Let this process, and the gates that it starts, have so many descriptors, or skip the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            missing(f"the right to open {count} files", "raise the hard limit on open files (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
