"""The measurements of one contender: memory, tunnels at a time and one by one, downloads."""

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

import load
import measure
from msgspec import Struct

_SETTLE_SECONDS = 0.25  # closing the last tunnels and writing the log count too
_WARM_TUNNELS = 100
_T = TypeVar("_T")


class Amount(Struct, frozen=True):
    """Amounts per round: tunnels in all, at a time, one by one, held idle; megabytes per download."""

    tunnels: int
    concurrency: int
    serial: int
    idle: int
    megabytes: int


class Round(Struct, frozen=True):
    """A contender's results of one round. CPU times and times to first byte are in seconds."""

    cpu_per_tunnel: float
    tunnels_per_second: float
    serial_cpu_per_tunnel: float
    serial_first_byte: list[float]
    cpu_per_gigabyte_1: float
    cpu_per_gigabyte_10: float


class Memory(Struct, frozen=True):
    """Bytes used by a contender just started, and per idle tunnel."""

    at_rest: int
    per_idle_tunnel: float


class Trial:
    """A running contender and a client that uses it."""

    def __init__(self, process: int, route: load.Route, amount: Amount) -> None:
        self._process = process
        self._client = load.Client(route, load.client_hello(route.host))
        self._amount = amount

    def memory(self) -> Memory:
        """Measure memory. Call once, before any round. Raises LoadError."""
        at_rest = self._bytes()
        self._client.run(_WARM_TUNNELS, min(_WARM_TUNNELS, self._amount.concurrency))
        time.sleep(_SETTLE_SECONDS)
        before = self._bytes()
        with contextlib.ExitStack() as held:
            for tunnel in self._client.hold(self._amount.idle, self._amount.concurrency):
                held.enter_context(tunnel)
            time.sleep(_SETTLE_SECONDS)
            grown = self._bytes() - before
        time.sleep(_SETTLE_SECONDS)
        return Memory(at_rest, grown / self._amount.idle)

    def round(self) -> Round:
        """Run one round. Raises LoadError."""
        amount = self._amount
        cpu, run = self._measured(lambda: self._client.run(amount.tunnels, amount.concurrency))
        serial_cpu, serial = self._measured(lambda: self._client.run(amount.serial, 1))
        return Round(
            cpu_per_tunnel=cpu / amount.tunnels,
            tunnels_per_second=amount.tunnels / run.seconds,
            serial_cpu_per_tunnel=serial_cpu / amount.serial,
            serial_first_byte=serial.first_byte,
            cpu_per_gigabyte_1=self._download(1),
            cpu_per_gigabyte_10=self._download(10),
        )

    def _download(self, streams: int) -> float:
        bytes_each = self._amount.megabytes * 1_000_000 // streams
        with contextlib.ExitStack() as held:
            tunnels = [held.enter_context(tunnel) for tunnel in self._client.hold(streams, streams)]
            cpu, _ = self._measured(lambda: load.download(tunnels, bytes_each))
        time.sleep(_SETTLE_SECONDS)
        return cpu / (bytes_each * streams / 1e9)

    def _measured(self, work: Callable[[], _T]) -> tuple[float, _T]:
        processes = measure.process_tree(self._process)
        before = measure.cpu_seconds(processes)
        result = work()
        time.sleep(_SETTLE_SECONDS)
        return measure.cpu_seconds(processes) - before, result

    def _bytes(self) -> int:
        return measure.memory_bytes(measure.process_tree(self._process))
