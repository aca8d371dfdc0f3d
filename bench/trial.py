"""The measurements of one running contender. Each returns quantities by their names (`quantities`)."""

import contextlib
import socket
import time
from collections.abc import Callable
from statistics import quantiles
from typing import TypeVar

import load
import processes
import quantities as q
from msgspec import Struct
from route import Route

_SETTLE_SECONDS = 0.25  # closing the last tunnels and writing the log count too
_LEDGER_SECONDS = 0.75  # a ledger is written half a second later
_WARM_TUNNELS = 100
_REST_SECONDS = 0.5
_CROWD_CONCURRENCY = 10
_T = TypeVar("_T")


class Amount(Struct, frozen=True):
    """Amounts of one round.

    `tunnels` are opened, `concurrency` at a time, and `serial` one by one; `megabytes` are downloaded over each number
    of streams; `newcomers` come while each number of `crowds` is open.
    """

    tunnels: int
    concurrency: int
    serial: int
    megabytes: int
    newcomers: int
    crowds: tuple[int, ...]


class Trial:
    """A contender that runs as this process, and a client that uses it."""

    def __init__(self, process: int, route: Route, amount: Amount, *, with_ledger: bool = False) -> None:
        self._process = process
        self._client = load.Client(route)
        self._amount = amount
        self._settle_seconds = _LEDGER_SECONDS if with_ledger else _SETTLE_SECONDS

    def warm_up(self) -> None:
        """Open some tunnels that are not counted. Raises LoadError."""
        self._client.run(_WARM_TUNNELS, min(_WARM_TUNNELS, self._amount.concurrency))
        time.sleep(self._settle_seconds)

    def tunnels(self) -> dict[str, float]:
        """Tunnels, many at a time. Raises LoadError."""
        amount = self._amount
        cpu, run = self._measured(lambda: self._client.run(amount.tunnels, amount.concurrency))
        return {q.CPU: cpu / amount.tunnels, q.RATE: amount.tunnels / run.seconds}

    def serial(self) -> dict[str, float]:
        """Tunnels, one by one: each wake-up serves one event, as in a gate's daily life. Raises LoadError."""
        cpu, run = self._measured(lambda: self._client.run(self._amount.serial, 1))
        p50, p99 = _p50_and_p99(run.first_byte)
        return {q.SERIAL_CPU: cpu / self._amount.serial, q.P50: p50, q.P99: p99}

    def streams(self) -> dict[str, float]:
        """Downloads over 1, 5 and 10 streams at once. Raises LoadError."""
        found: dict[str, float] = {}
        for streams in q.STREAMS:
            bytes_each = self._amount.megabytes * 1_000_000 // streams
            with contextlib.ExitStack() as held:
                tunnels = [held.enter_context(tunnel) for tunnel in self._client.hold(streams, streams)]
                cpu, _ = self._measured(lambda: load.download(tunnels, bytes_each))  # noqa: B023 - called at once
            time.sleep(self._settle_seconds)
            found[q.per_gigabyte(streams)] = cpu / (bytes_each * streams / 1e9)
        return found

    def start(self) -> dict[str, float]:
        """The first tunnel of a process just started: CPU time since its start, then its memory. Raises LoadError."""
        self._client.run(1, 1)
        cpu = processes.cpu_seconds(self._tree())
        time.sleep(_REST_SECONDS)
        return {q.START: cpu, q.AT_REST: processes.resident_bytes(self._tree())}

    def crowd(self) -> dict[str, float]:
        """Newcomers while more and more tunnels are open and idle, and the memory of these. Raises LoadError."""
        self.warm_up()
        found: dict[str, float] = {}
        before = processes.proportional_bytes(self._tree())
        with contextlib.ExitStack() as held:
            open_tunnels: list[socket.socket] = []
            for size in self._amount.crowds:
                added = self._client.hold(size - len(open_tunnels), self._amount.concurrency)
                open_tunnels += [held.enter_context(tunnel) for tunnel in added]
                time.sleep(self._settle_seconds)
                grown = processes.proportional_bytes(self._tree()) - before
                cpu, run = self._measured(lambda: self._client.run(self._amount.newcomers, _CROWD_CONCURRENCY))
                found[q.crowd_cpu(size)] = cpu / self._amount.newcomers
                found[q.crowd_p99(size)] = _p50_and_p99(run.first_byte)[1]
            found[q.IDLE] = grown / len(open_tunnels)
        return found

    def _measured(self, work: Callable[[], _T]) -> tuple[float, _T]:
        """The contender's CPU time for this work of the client."""
        tree = self._tree()
        before = processes.cpu_seconds(tree)
        result = work()
        time.sleep(self._settle_seconds)
        return processes.cpu_seconds(tree) - before, result

    def _tree(self) -> list[int]:
        return processes.process_tree(self._process)


def _p50_and_p99(seconds: list[float]) -> tuple[float, float]:
    hundredths = quantiles(seconds, n=100, method="inclusive")
    return hundredths[49], hundredths[98]
