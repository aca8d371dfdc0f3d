"""What is measured: the names of the quantities, and how each is written."""

from collections.abc import Callable

from msgspec import Struct

CPU = "cpu_per_tunnel"
RATE = "tunnels_per_second"
SERIAL_CPU = "serial_cpu_per_tunnel"
P50 = "serial_p50"
P99 = "serial_p99"
START = "start_cpu"
AT_REST = "bytes_at_rest"
IDLE = "bytes_per_idle_tunnel"
STREAMS = (1, 5, 10)


class Unit(Struct, frozen=True):
    """How a quantity is written: its unit, what seconds or bytes are multiplied by, and the digits after the point."""

    name: str
    factor: float
    digits: int

    def text(self, value: float) -> str:
        """A value without its unit."""
        return f"{value * self.factor:.{self.digits}f}"


MICROSECONDS = Unit("us", 1e6, 0)
MILLISECONDS = Unit("ms", 1e3, 2)
SECONDS = Unit("s", 1, 2)
PER_SECOND = Unit("per s", 1, 0)
KILOBYTES = Unit("KB", 1 / 1024, 1)
MEGABYTES = Unit("MB", 1e-6, 1)

_UNITS = {
    CPU: MICROSECONDS,
    RATE: PER_SECOND,
    SERIAL_CPU: MICROSECONDS,
    P50: MILLISECONDS,
    P99: MILLISECONDS,
    START: SECONDS,
    AT_REST: MEGABYTES,
    IDLE: KILOBYTES,
}
_PER_GIGABYTE, _CROWD_CPU, _CROWD_P99 = "cpu_per_gigabyte_", "crowd_cpu_", "crowd_p99_"

AtSize = Callable[[int], str]
"""The name of a quantity while so many tunnels are open."""


def per_gigabyte(streams: int) -> str:
    """CPU time per GB over so many streams at once."""
    return f"{_PER_GIGABYTE}{streams}"


def crowd_cpu(size: int) -> str:
    """CPU time per newcomer while so many tunnels are open."""
    return f"{_CROWD_CPU}{size}"


def crowd_p99(size: int) -> str:
    """The 99th percentile of newcomers' time to the first byte while so many tunnels are open."""
    return f"{_CROWD_P99}{size}"


def unit_of(quantity: str) -> Unit:
    """How this quantity is written."""
    if quantity.startswith(_PER_GIGABYTE):
        return SECONDS
    if quantity.startswith(_CROWD_CPU):
        return MICROSECONDS
    return MILLISECONDS if quantity.startswith(_CROWD_P99) else _UNITS[quantity]
