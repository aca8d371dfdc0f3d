"""Two plain tables of the rounds: medians, and ratios to squid, tinyproxy and the floor."""

from collections.abc import Callable, Iterable
from statistics import median, quantiles

from msgspec import Struct
from trial import Memory, Round

_NOISY_SPREAD = 0.15
_PEERS = ("squid", "tinyproxy", "floor")
_WORDS = ("", "does")


class Result(Struct):
    """The measurements of one contender; `rounds` grows during the benchmark."""

    name: str
    does: str
    memory: Memory
    rounds: list[Round]

    def median_of(self, number: Callable[[Round], float]) -> float:
        """The median of one number over all rounds."""
        return median(map(number, self.rounds))


def ratio(result: Result, peer: Result) -> float:
    """CPU per tunnel relative to a peer: the median of the ratios per round, so that slow drift cancels out."""
    pairs = zip(result.rounds, peer.rounds, strict=True)
    return median(ours.cpu_per_tunnel / theirs.cpu_per_tunnel for ours, theirs in pairs)


def spread(result: Result) -> float:
    """The range of CPU per tunnel over the rounds, relative to the median."""
    costs = [one.cpu_per_tunnel for one in result.rounds]
    return (max(costs) - min(costs)) / median(costs)


def cpu_table(results: list[Result]) -> str:
    """CPU per tunnel, ratios to the peers, spread."""
    peers = [result for result in results if result.name in _PEERS]
    head = ["", "CPU us/tunnel", *(f"of {peer.name}" for peer in peers), "spread", "serial us/tunnel", "does"]
    rows = [
        [
            result.name,
            f"{result.median_of(lambda one: one.cpu_per_tunnel) * 1e6:.0f}",
            *(f"{ratio(result, peer):.2f}" for peer in peers),
            f"{spread(result):.0%}",
            f"{result.median_of(lambda one: one.serial_cpu_per_tunnel) * 1e6:.0f}",
            result.does,
        ]
        for result in results
    ]
    return _aligned([head, *rows])


def other_table(results: list[Result]) -> str:
    """Throughput, latency, streams and memory."""
    head = ["", "tunnels/s", "p50 ms", "p99 ms", "CPU s/GB, 1 stream", "10 streams", "KB/idle tunnel", "MB at rest"]
    return _aligned([head, *map(_rest_row, results)])


def _rest_row(result: Result) -> list[str]:
    first_byte = [value for one in result.rounds for value in one.serial_first_byte]
    hundredths = quantiles(first_byte, n=100)
    return [
        result.name,
        f"{result.median_of(lambda one: one.tunnels_per_second):.0f}",
        f"{hundredths[49] * 1e3:.2f}",
        f"{hundredths[98] * 1e3:.2f}",
        f"{result.median_of(lambda one: one.cpu_per_gigabyte_1):.2f}",
        f"{result.median_of(lambda one: one.cpu_per_gigabyte_10):.2f}",
        f"{result.memory.per_idle_tunnel / 1024:.1f}",
        f"{result.memory.at_rest / 1e6:.1f}",
    ]


def warnings(results: list[Result]) -> Iterable[str]:
    """A warning for each contender whose rounds vary too much."""
    for result in results:
        if spread(result) > _NOISY_SPREAD:
            yield (
                f"noisy: the rounds of {result.name} vary by {spread(result):.0%}; "
                "something else used the machine. Run again, or with more --rounds."
            )


def _aligned(rows: list[list[str]]) -> str:
    """Align text columns left and number columns right, as the head of each says."""
    columns = [_column(cells) for cells in zip(*rows, strict=True)]
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def _column(cells: tuple[str, ...]) -> list[str]:
    width = max(map(len, cells))
    return [cell.ljust(width) if cells[0] in _WORDS else cell.rjust(width) for cell in cells]
