"""Compares what clients, origin, access log, metrics and ledger say of the same connections."""

import io
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from licensegate.ledger.entries import DayEntry
from licensegate.ledger.intake import is_counted
from licensegate.ledger.transfer import imported_entries
from licensegate.records.log_reader import LogReader
from licensegate.records.record import TunnelRecord
from support.admin_client import ENDED_TOTAL, Series
from support.gate import COMMAND, Gate

from .clients import Behaved, Kind
from .doors import BRANCH
from .origin import Carried

DIRECTIONS = {
    "from_client": "client_read",
    "to_client": "client_written",
    "from_upstream": "upstream_read",
    "to_upstream": "upstream_written",
}
"""The labels of the metric, and the fields of the record that each adds up."""


class Difference(Struct, frozen=True):
    """Two books that disagree."""

    what: str
    one: object
    other: object

    def __str__(self) -> str:
        return f"{self.what}: {self.one} and {self.other}"


class Ended(Struct, frozen=True):
    """The records of the connections that ended, of one gate."""

    records: list[TunnelRecord]

    @classmethod
    def read(cls, gate: Gate) -> "Ended":
        """Read the access log of a gate that has ended, of which every line has to be a record."""
        with (gate.folder / "access.jsonl").open("rb") as log:
            reader = LogReader(log)
            entries = [entry for _, entry in reader]
        assert reader.unread == 0
        return cls([entry for entry in entries if isinstance(entry, TunnelRecord) and entry.event == "end"])

    def of(self, address: str) -> list[TunnelRecord]:
        """Those of one client."""
        return [record for record in self.records if record.client == address]


def client_differences(
    kinds: list[Kind], behaved: Mapping[str, Behaved], main: Ended, branch: Ended
) -> Iterator[Difference]:
    """What clients counted beside what their records say."""
    for kind in kinds:
        did, records = behaved[kind.name], (branch if kind.branch else main).of(kind.address)
        read, written = _sum(records, "client_read"), _sum(records, "client_written")
        yield from _compare(f"connections of {kind.name}, by client and records", did.spoke, len(records))
        if kind.exact:
            yield from _compare(f"bytes from {kind.name}, by client and records", did.sent, read)
            yield from _compare(f"bytes to {kind.name}, by client and records", did.received, written)
        elif did.received > written or read > did.sent:
            yield Difference(f"bytes of {kind.name}, by client and records", did, (read, written))


def origin_differences(
    kinds: list[Kind], carried: Mapping[str, Carried], main: Ended, branch: Ended
) -> Iterator[Difference]:
    """What the origin counted for each kind that ends in good order, beside what the records say."""
    for kind in kinds:
        if not kind.exact or kind.branch:
            continue
        at_origin, records = carried[kind.name], main.of(kind.address)
        tunnels = [record for record in records if record.upstream]
        yield from _compare(f"tunnels of {kind.name}, by origin and records", at_origin.connections, len(tunnels))
        yield from _compare(
            f"bytes of {kind.name} to the origin", at_origin.received, _sum(records, "upstream_written")
        )
        yield from _compare(f"bytes of {kind.name} from the origin", at_origin.sent, _sum(records, "upstream_read"))
    through = [record for record in branch.records if record.upstream]
    passed_on = [record for record in main.records if record.client == BRANCH and record.upstream]
    yield from _compare("tunnels through the parent, by both gates", len(through), len(passed_on))


def metric_differences(name: str, scraped: Series, ended: Ended) -> Iterator[Difference]:
    """What the metrics of a gate say beside what its records say."""
    for direction, field in DIRECTIONS.items():
        counted = scraped.value("licensegate_bytes_total", direction=direction)
        yield from _compare(f"{name}: bytes {direction}, by metrics and records", counted, _sum(ended.records, field))
    counted_outcomes: Counter[str] = Counter()
    for sample in scraped.samples:
        if sample.name == ENDED_TOTAL and sample.value:
            counted_outcomes[sample.labels["outcome"]] += int(sample.value)
    outcomes = Counter(record.outcome.label for record in ended.records if record.outcome is not None)
    for outcome in sorted(counted_outcomes.keys() | outcomes.keys()):
        yield from _compare(
            f"{name}: connections ended as {outcome}, by metrics and records",
            counted_outcomes[outcome],
            outcomes[outcome],
        )


def silent_differences(scraped: Series, behaved: Mapping[str, Behaved]) -> Iterator[Difference]:
    """The connections that ended without a byte, as a balancer's probe does."""
    silent = sum(each.connections - each.spoke for each in behaved.values())
    counted = scraped.value("licensegate_empty_connections_total")
    yield from _compare("connections without a byte, by client and metrics", silent, counted)


def ledger_differences(name: str, gate: Gate, ended: Ended) -> Iterator[Difference]:
    """What the ledger of a gate that has ended says beside what its records say."""
    days = [entry for entry in _exported(gate) if isinstance(entry, DayEntry)]
    counted = [record for record in ended.records if is_counted(record)]
    yield from _compare(
        f"{name}: connections, by ledger and records", sum(day.connections for day in days), len(counted)
    )
    for attribute, field in (("from_client", "client_read"), ("to_client", "client_written")):
        noted = sum(getattr(day, attribute) for day in days)
        yield from _compare(f"{name}: bytes {attribute}, by ledger and records", noted, _sum(counted, field))


def _exported(gate: Gate) -> list[Any]:
    path = gate.folder / "ledger.jsonl"
    done = subprocess.run(
        [COMMAND, "ledger", "--config", gate.settings, "export", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(imported_entries(io.BytesIO(Path(path).read_bytes())))


def _sum(records: list[TunnelRecord], field: str) -> int:
    return sum(getattr(record, field) for record in records)


def _compare(what: str, one: float, other: float) -> Iterator[Difference]:
    if one != other:
        yield Difference(what, f"{one:.0f}", f"{other:.0f}")
