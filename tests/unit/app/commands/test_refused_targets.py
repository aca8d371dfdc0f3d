"""The refused targets of an access log, which may hold lines of other programs."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.target import Target
from licensegate.app.commands.refused_targets import ConnectLine, RefusedTarget, refused_targets
from licensegate.app.observers.access_log import AccessLog
from licensegate.records import log_reader as module
from licensegate.records.log_reader import LogReader
from licensegate.records.outcome import Outcome
from licensegate.records.record import open_record

REFUSED = {
    "schema": 2,
    "event": "end",
    "id": "1",
    "time": "2026-09-01T08:00:00.5Z",
    "client": "10.1.2.3",
    "client_port": 5,
    "listener": "0.0.0.0:3128",
    "outcome": "target_not_allowed",
    "target": "ssm.example.net:8443",
    "allowed": False,
}
SSM = Target("ssm.example.net", 8443)


class Reading(NamedTuple):
    targets: Mapping[Target, RefusedTarget]
    records: int
    unread: int
    unread_lines: str


def read_log(log: BinaryIO) -> Reading:
    reader = LogReader(log, ConnectLine)
    targets = refused_targets(reader)
    return Reading(targets, reader.records, reader.unread, reader.unread_lines)


def read(*lines: dict[str, Any] | bytes) -> Reading:
    texts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return read_log(io.BytesIO(b"".join(text + b"\n" for text in texts)))


def test_a_target_is_told_with_how_often_by_how_many_and_when() -> None:
    reading = read(
        REFUSED | {"time": "2026-09-02T10:00:00+02:00"},
        REFUSED,
        REFUSED | {"client": "10.1.2.4", "time": "2026-09-03T08:00:00Z"},
    )

    assert str(reading.targets[SSM]) == (
        "ssm.example.net:8443, asked for 3 times by 2 clients, first 2026-09-01T08:00:00Z, last 2026-09-03T08:00:00Z"
    )
    assert (reading.records, reading.unread) == (3, 0)


def test_what_was_asked_for_once_is_told_in_the_singular() -> None:
    assert "asked for 1 time by 1 client, first" in str(read(REFUSED).targets[SSM])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(REFUSED, id="refused"),
        pytest.param(REFUSED | {"reported": "target_not_allowed", "outcome": "closed_by_client"}, id="reported"),
        pytest.param(REFUSED | {"reported": "target_not_allowed", "allowed": True}, id="reported, whatever else"),
        pytest.param(REFUSED | {"a key of a later release": [1]}, id="more than is known"),
    ],
)
def test_what_was_refused_or_only_reported_is_taken(line: dict[str, Any]) -> None:
    assert list(read(line).targets) == [SSM]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(REFUSED | {"allowed": True}, id="allowed"),
        pytest.param({key: value for key, value in REFUSED.items() if key != "allowed"}, id="not decided"),
        pytest.param({key: value for key, value in REFUSED.items() if key != "target"}, id="no target"),
        pytest.param(REFUSED | {"event": "start"}, id="a beginning"),
    ],
)
def test_records_of_what_passed_or_named_no_target_are_passed_over(line: dict[str, Any]) -> None:
    reading = read(line)

    assert reading.targets == {}
    assert (reading.records, reading.unread) == (1, 0)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"2026-09-01 ready: listening on 0.0.0.0:3128", id="text"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"schema":2,"event":"end","time":"2026', id="cut"),
        pytest.param(b"\xff\xfe\0", id="bytes"),
        pytest.param(b'{"level":"info","msg":"hello"}', id="another program's JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", id="lists without end"),
        pytest.param(REFUSED | {"schema": 1}, id="an older schema"),
        pytest.param(REFUSED | {"target": "https://ssm.example.net/"}, id="a URL for a target"),
        pytest.param(REFUSED | {"target": "ssm.example.net"}, id="a target without a port"),
        pytest.param(REFUSED | {"target": 'x"\n[[allowlist.rule]]:443'}, id="a target made to be pasted"),
        pytest.param(REFUSED | {"target": "\ud800:443"}, id="a target that is no text"),
        pytest.param(REFUSED | {"time": "yesterday"}, id="no time"),
        pytest.param(REFUSED | {"time": "2026-09-01T08:00:00"}, id="a time without a zone"),
        pytest.param(REFUSED | {"time": "0001-01-01T00:00:00+01:00"}, id="before all times"),
    ],
)
def test_what_is_no_record_is_passed_over_and_named(line: dict[str, Any] | bytes) -> None:
    reading = read(REFUSED, line, REFUSED)

    assert reading.targets[SSM].times == 2
    assert (reading.records, reading.unread, reading.unread_lines) == (2, 1, "2")


def test_of_many_that_are_none_the_first_are_named() -> None:
    reading = read(REFUSED, *[b"x"] * 9)

    assert reading.unread_lines == "2, 3, 4, 5, 6 and 4 more"


def test_an_overlong_line_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_LINE", 400)

    reading = read(REFUSED, b"x" * 4000, REFUSED)

    assert (reading.records, reading.unread, reading.unread_lines) == (2, 1, "2")
    assert read_log(io.BytesIO(b"x" * 4000)).unread == 1


def test_a_target_whose_addresses_are_inside_is_known() -> None:
    reading = read(
        REFUSED | {"target": "a.example:443"},
        REFUSED | {"reported": "target_not_allowed", "outcome": "destination_ip_prohibited"},
        REFUSED,
    )

    assert {target.host: each.is_private for target, each in reading.targets.items()} == {
        "a.example": False,
        "ssm.example.net": True,
    }


def test_the_gates_own_lines_are_understood(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.jsonl"))
    record = open_record("10.1.2.3", 5, "0.0.0.0:3128")
    record.target, record.allowed = "ssm.example.net:8443", False
    record.end(Outcome.TARGET_NOT_ALLOWED)
    log.observe([record])
    log.close()

    with (tmp_path / "access.jsonl").open("rb") as lines:
        reading = read_log(lines)

    assert reading.targets[SSM].times == 1
    assert reading.targets[SSM].first == record.time


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything(content: bytes) -> None:
    reading = read_log(io.BytesIO(content))

    assert reading.records + reading.unread == len(content.split(b"\n")) - (not content or content.endswith(b"\n"))


@given(st.dictionaries(st.sampled_from(sorted(REFUSED)), st.text() | st.integers() | st.none() | st.booleans()))
def test_no_value_raises_anything(values: dict[str, Any]) -> None:
    reading = read(REFUSED | values)

    assert reading.records + reading.unread == 1
