"""bench/history.jsonl: the gate's ratios to its peers in past runs, so that a change for the worse is seen.

One line per whole run: date, commit, kind of machine, ratios. Only runs on the same kind of machine are compared.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec
import quantities as q
from contenders import FEATURES, GATE
from msgspec import Struct
from report import Report

FILE = Path(__file__).with_name("history.jsonl")
WORSE = 1.10
"""A ratio that is so many times the median of the last entries is worth a line."""

_LAST = 3
_KEPT = (
    (q.CPU, ("squid", "tinyproxy", "haproxy", "floor")),
    (q.SERIAL_CPU, ("squid",)),
    (q.P50, ("squid",)),
    (q.P99, ("squid",)),
    *((q.per_gigabyte(streams), ("squid",)) for streams in q.STREAMS),
    (q.IDLE, ("squid",)),
    (q.AT_REST, ("squid",)),
    (q.START, ("squid",)),
)


class Entry(Struct, frozen=True):
    """The ratios of one run, by quantity and peer."""

    date: str
    commit: str
    machine: str
    rounds: int
    ratios: dict[str, float]


def entry_of(report: Report) -> Entry:
    """The gate's ratios in this report: to its peers, and with a feature to itself without."""
    pairs = [(quantity, GATE, peer) for quantity, peers in _KEPT for peer in peers]
    pairs += [(q.CPU, feature.name, GATE) for feature in FEATURES if feature.plain == GATE]
    ratios = {}
    for quantity, name, peer in pairs:
        if (ratio := report.ratio(quantity, name, peer)) is not None:
            ratios[f"{quantity} of {name} to {peer}"] = round(ratio.median, 3)
    return Entry(report.date, report.commit, report.machine, report.rounds, ratios)


def read(file: Path = FILE) -> list[Entry]:
    """The entries, oldest first."""
    if not file.exists():
        return []
    return [msgspec.json.decode(line, type=Entry) for line in file.read_bytes().splitlines()]


def add(entry: Entry, file: Path = FILE) -> None:
    """Append an entry."""
    with file.open("ab") as lines:
        lines.write(msgspec.json.encode(entry) + b"\n")


def worsened(entry: Entry, entries: Sequence[Entry]) -> Iterator[str]:
    """A line for each ratio that has worsened against the last entries of this kind of machine."""
    before = [one for one in entries if one.machine == entry.machine][-_LAST:]
    for name, ratio in entry.ratios.items():
        known = [one.ratios[name] for one in before if name in one.ratios]
        if known and ratio > WORSE * median(known):
            usual = median(known)
            change = f"{ratio / usual - 1:+.0%} against {usual:.2f} in the last {len(known)} runs"
            yield f"worse: {name} is {ratio:.2f}, {change}"
