"""The registry: every observer is started, gets the records it cares about, and is stopped."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from licensegate.app.logs.open_sink import LogPlaceError
from licensegate.app.observers import registry
from licensegate.app.observers.access_log import AccessLog
from licensegate.app.observers.counters import Counters
from licensegate.app.observers.observer import Observer
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.app.observers.registry import Entry, Observers
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.settings import Log
from licensegate.app.settings.log_place import log_file
from licensegate.proxy.gate import Gate, Observe
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.records import POLICY, TARGETS, failure, tunnel


class FakeGate:
    """Passes records to the observers it was given."""

    def __init__(self) -> None:
        self.observers: list[Observe] = []

    def add_observer(self, observe: Observe) -> None:
        self.observers.append(observe)

    def publish(self, *records: TunnelRecord) -> None:
        for observe in self.observers:
            observe(records)


class Noted(Observer):
    """Records the calls that it gets."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self._name = name
        self._notes = notes
        notes.append(f"{name} made")

    def observe(self, records: Sequence[TunnelRecord]) -> None:
        self._notes.append(f"{self._name} saw {len(records)}")

    def close(self) -> None:
        self._notes.append(f"{self._name} closed")


def attached(access_log: Path) -> tuple[Observers, FakeGate]:
    gate = FakeGate()
    observers = Observers(Log(log_file(access_log)), lambda: POLICY)
    observers.attach(cast(Gate, gate))
    return observers, gate


def test_an_entry_is_made_attached_and_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notes: list[str] = []
    entries = (
        Entry(lambda setup: Noted("view's", notes), for_view=True),
        Entry(lambda setup: Noted("plain", notes)),
    )
    monkeypatch.setattr(registry, "OBSERVERS", entries)
    observers, gate = attached(tmp_path / "unused")

    gate.publish(tunnel())
    observers.start_view(cast(Gate, gate))
    gate.publish(tunnel(), tunnel())
    observers.close()

    assert notes == [
        "plain made",
        "plain saw 1",
        "view's made",
        "plain saw 2",
        "view's saw 2",
        "view's closed",
        "plain closed",
    ]


@pytest.mark.parametrize("kind", [Counters, TargetHealth, Refusals, Clients])
def test_observers_for_the_view_start_once_with_it(kind: type[Observer], tmp_path: Path) -> None:
    observers, gate = attached(tmp_path / "access.jsonl")
    with pytest.raises(LookupError, match=kind.__name__):
        observers.get(kind)

    observers.start_view(cast(Gate, gate))
    running = observers.get(kind)
    observers.start_view(cast(Gate, gate))

    assert observers.get(kind) is running, "a second start makes no second one"
    observers.close()


def test_only_target_health_uses_a_probe(tmp_path: Path) -> None:
    observers, gate = attached(tmp_path / "access.jsonl")
    observers.start_view(cast(Gate, gate))
    probe = failure(Outcome.DNS_TIMEOUT, event="probe", client="", method="")

    gate.publish(probe, tunnel(None, event="probe", client="", method="", after=-60))

    assert observers.get(TargetHealth).by_target[TARGETS[0]].reached is False
    assert observers.get(Counters).ended == {}
    assert observers.get(Counters).dial.counts == Counters(observers.targets).dial.counts
    assert not observers.get(Refusals).records
    assert not observers.get(Clients).by_address
    observers.close()
    assert (tmp_path / "access.jsonl").read_text() == ""


def test_closing_writes_the_waiting_lines(tmp_path: Path) -> None:
    observers, gate = attached(tmp_path / "access.jsonl")
    gate.publish(tunnel())

    observers.close()

    (line,) = (tmp_path / "access.jsonl").read_text().splitlines()
    assert json.loads(line)["outcome"] == "closed_by_client"


def test_an_access_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogPlaceError, match=r"missing/access\.jsonl: there is no folder .*missing; make it"):
        Observers(Log(log_file(tmp_path / "missing" / "access.jsonl")), lambda: POLICY)


def test_the_access_log_always_runs(tmp_path: Path) -> None:
    observers, _ = attached(tmp_path / "access.jsonl")
    assert observers.get(AccessLog).dropped == 0
    observers.close()
