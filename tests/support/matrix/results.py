"""Runs of cases at the same time, and what the gate's records say about each."""

import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from licensegate.diagnosis.codes import PROBLEMS
from licensegate.diagnosis.target_report import TargetReport
from support.gate import COMMAND, Gate
from support.matrix.looks import explained
from support.matrix.scenario import NOTHING, Case, cases
from support.programs import run
from support.upstream import SECONDS

LISTEN = '[[listen]]\naddress = "127.0.0.1:0"\n'
"""The listener of `gate_settings`, which each case has for itself."""

AT_ONCE = 3
"""Clients that run at the same time: enough to wait for several silences at once, few enough for two cores."""

GATES_AT_ONCE = 2
"""Gates that start at the same time, each with a parent or a network of its own."""

Record = Mapping[str, Any]
Post = Callable[[Gate, Sequence[Case]], Sequence[str]]
"""Runs the clients of some cases through a gate. Returns what each showed."""


class Result(Struct, frozen=True):
    """What the client showed, the records of its connections, and the gate's own look at its target."""

    shown: str
    records: tuple[Record, ...]
    report: TargetReport | None = None


def wanted_cases(request: pytest.FixtureRequest, topic: str) -> list[Case]:
    """The cases of the tests in this file that are to run; all of the topic if only other tests are."""
    specs = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    return [spec.params["case"] for spec in specs if spec and "case" in spec.params] or cases(topic)


class Matrix:
    """What came of each case: what its client showed and what the gate recorded, told apart by their listeners."""

    def __init__(self) -> None:
        self._shown: dict[Case, Future[str]] = {}
        self._records: dict[Case, tuple[Record, ...]] = {}
        self.reports: dict[Case, TargetReport] = {}
        self.logs: list[Path] = []

    def run(self, gate: Gate, cases: Sequence[Case], groups: Iterable[Sequence[Case]], post: Post) -> None:
        """Run each group of these cases in one call, several at a time, and end the gate once their tunnels have."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for group in groups:
                pool.submit(self._run_group, gate, group, post)
        self._await_records(gate, cases)
        if any("INFO stopping" in line for line in gate.stderr):
            gate.await_end()  # a second signal could come when it is as good as gone, and end it
        else:
            gate.stop()
        self.logs.append(gate.folder / "access.jsonl")
        by_listener = defaultdict(list)
        for record in _ended(gate):
            by_listener[record["listener"]].append(record)
        for case, (host, port) in zip(cases, gate.listeners, strict=False):
            self._records[case] = tuple(sorted(by_listener[f"{host}:{port}"], key=itemgetter("id")))

    def _await_records(self, gate: Gate, cases: Sequence[Case]) -> None:
        """Wait until each case that is not quiet has a record. One that never comes fails its own test alone."""
        heard = [case for case in cases if not case.scenario.is_quiet and self._shown[case].exception() is None]
        wanted = {f"127.0.0.1:{port_of(gate, cases, case)}" for case in heard}
        deadline = time.monotonic() + SECONDS
        while not wanted <= {record["listener"] for record in _ended(gate)} and time.monotonic() < deadline:
            time.sleep(0.05)

    def _run_group(self, gate: Gate, group: Sequence[Case], post: Post) -> None:
        for case in group:
            self._shown[case] = Future()
        try:
            for case, shown in zip(group, post(gate, group), strict=True):
                self._shown[case].set_result(shown)
        except BaseException as problem:  # a skip, too
            for case in group:
                self._shown[case].set_exception(problem)

    @contextlib.contextmanager
    def skipping(self, cases: Sequence[Case]) -> Iterator[None]:
        """Make what is raised inside, as for a program that is missing, the result of these cases."""
        try:
            yield
        except (Exception, pytest.skip.Exception) as reason:
            for case in cases:
                self._shown[case] = Future()
                self._shown[case].set_exception(reason)

    def result(self, case: Case) -> Result:
        """What came of this case. Raises what its client raised."""
        return Result(self._shown[case].result(), self._records[case], self.reports.get(case))


def _ended(gate: Gate) -> list[dict[str, Any]]:
    """The records of what has ended: a tunnel that is a minute old has one of its start before, without a finding."""
    return [record for record in gate.records() if record["event"] != "start"]


def assert_named(case: Case, result: Result) -> None:
    """The last record has the expected finding and certainty, and no earlier one has a finding that is not expected.

    Where that needs a look at the target, the record alone may be named like an earlier one.
    """
    scenario = case.scenario
    assert result.records or scenario.is_quiet, f"no record; the client showed:\n{result.shown}"
    for record in result.records:
        is_last = record is result.records[-1] and not scenario.look
        assert record.get("finding", NOTHING) in scenario.finding + (() if is_last else scenario.before), told(record)
        if is_last and "finding" in record:
            assert record["certainty"] in scenario.certainty, told(record)
    if scenario.look:
        assert result.report is not None
        finding = explained(result.records[-1], result.report)
        assert finding is not None
        assert (finding.code in scenario.finding, finding.certainty in scenario.certainty) == (True, True), (
            f"{finding}\n{result.report}\n{told(result.records[-1])}"
        )


def told(record: Record) -> str:
    """The record, for the message of a failed test."""
    return "\n".join(f"{key}: {value}" for key, value in record.items())


def port_of(gate: Gate, cases: Sequence[Case], case: Case) -> int:
    """The gate's port for this case."""
    return gate.listeners[cases.index(case)][1]


def assert_explained(logs: Sequence[Path]) -> None:
    """`licensegate explain` names every failure that these access logs have, and says what to change."""
    text = b"".join(log.read_bytes() for log in logs)
    lines = [json.loads(line) for line in text.splitlines()]
    done = run(COMMAND, "explain", "--json", "-", stdin=text)
    assert done.returncode == 1, done.stderr
    assert not done.stderr
    failures = json.loads(done.stdout)["failures"]
    told = {(failure["target"], failure["finding"]) for failure in failures}
    assert _failures_in(lines) <= told
    assert all(failure["sentence"] and failure["remedy"] for failure in failures)


def _failures_in(lines: Iterable[Record]) -> set[tuple[str, str]]:
    """The target and the finding of each failure. A client that is asked once and then logs in has not failed."""
    found: dict[tuple[str, str, str], str] = {}
    for line in lines:
        if line.get("login_result") == "accepted":
            asked = line["client"], "login_not_sent", "possible"
            found = {key: certainty for key, certainty in found.items() if (key[0], key[2], certainty) != asked}
        if line.get("finding") in PROBLEMS and "target" in line:
            found[line["client"], line["target"], line["finding"]] = line["certainty"]
    return {(target, finding) for _, target, finding in found}
