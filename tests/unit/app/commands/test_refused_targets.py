"""The refused targets of an access log."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.target import Target
from licensegate.app.commands.refused_targets import RefusedTarget, refused_targets
from licensegate.app.observers.access_log import AccessLog
from licensegate.app.settings import Log
from licensegate.app.settings.log_place import log_file
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


def reader_of(*lines: dict[str, Any]) -> LogReader:
    return LogReader(BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))


def targets_of(*lines: dict[str, Any]) -> Mapping[Target, RefusedTarget]:
    return refused_targets(reader_of(*lines))


def test_target_says_how_often_by_how_many_clients_and_when() -> None:
    reader = reader_of(
        REFUSED | {"time": "2026-09-02T10:00:00+02:00"},
        REFUSED,
        REFUSED | {"client": "10.1.2.4", "time": "2026-09-03T08:00:00Z"},
    )

    assert str(refused_targets(reader)[SSM]) == (
        "ssm.example.net:8443, asked for 3 times by 2 clients, first 2026-09-01T08:00:00Z, last 2026-09-03T08:00:00Z"
    )
    assert (reader.records, reader.unread) == (3, 0)


def test_requests_in_a_summary_are_counted() -> None:
    summary = {
        "schema": 2,
        "event": "summary",
        "time": "2026-09-01T08:00:01Z",
        "count": 40,
        "client": "10.1.2.3",
        "outcome": "target_not_allowed",
        "target": "ssm.example.net:8443",
        "allowed": False,
    }
    coarse = {"schema": 2, "event": "summary", "time": "2026-09-01T08:00:01Z", "count": 9, "outcome": "head_timeout"}
    reader = reader_of(REFUSED, summary, coarse)

    assert "asked for 41 times by 1 client, first 2026-09-01T08:00:00Z, last 2026-09-01T08:00:01Z" in str(
        refused_targets(reader)[SSM]
    )
    assert (reader.records, reader.unread) == (3, 0)


def test_single_request_is_reported_in_the_singular() -> None:
    assert "asked for 1 time by 1 client, first" in str(targets_of(REFUSED)[SSM])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(REFUSED, id="refused"),
        pytest.param(REFUSED | {"reported": "target_not_allowed", "outcome": "closed_by_client"}, id="reported"),
        pytest.param(REFUSED | {"reported": "target_not_allowed", "allowed": True}, id="reported and allowed"),
        pytest.param(REFUSED | {"a key of a later release": [1]}, id="with an unknown key"),
    ],
)
def test_refused_and_reported_targets_are_listed(line: dict[str, Any]) -> None:
    assert list(targets_of(line)) == [SSM]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(REFUSED | {"allowed": True}, id="allowed"),
        pytest.param({key: value for key, value in REFUSED.items() if key != "allowed"}, id="not decided"),
        pytest.param({key: value for key, value in REFUSED.items() if key != "target"}, id="no target"),
        pytest.param(REFUSED | {"event": "start"}, id="a start line"),
    ],
)
def test_other_records_are_skipped(line: dict[str, Any]) -> None:
    reader = reader_of(line)

    assert refused_targets(reader) == {}
    assert (reader.records, reader.unread) == (1, 0)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("https://ssm.example.net/", id="a URL"),
        pytest.param("ssm.example.net", id="without a port"),
        pytest.param('x"\n[[allowlist.rule]]:443', id="TOML to be pasted"),
        pytest.param("\ud800:443", id="a lone surrogate"),
    ],
)
def test_record_with_an_invalid_target_is_unread(target: str) -> None:
    reader = reader_of(REFUSED, REFUSED | {"target": target}, REFUSED)

    assert refused_targets(reader)[SSM].times == 2
    assert (reader.records, reader.unread, reader.unread_lines) == (2, 1, "2")


def test_target_with_private_addresses_is_marked() -> None:
    targets = targets_of(
        REFUSED | {"target": "a.example:443"},
        REFUSED | {"reported": "target_not_allowed", "outcome": "destination_ip_prohibited"},
        REFUSED,
    )

    assert {target.host: each.is_private for target, each in targets.items()} == {
        "a.example": False,
        "ssm.example.net": True,
    }


def test_lines_of_the_access_log_are_read(tmp_path: Path) -> None:
    log = AccessLog(Log(log_file(tmp_path / "access.jsonl")))
    record = open_record("10.1.2.3", 5, "0.0.0.0:3128")
    record.target, record.allowed = "ssm.example.net:8443", False
    record.end(Outcome.TARGET_NOT_ALLOWED)
    log.observe([record])
    log.close()

    with (tmp_path / "access.jsonl").open("rb") as lines:
        targets = refused_targets(LogReader(lines))

    assert targets[SSM].times == 1
    assert targets[SSM].first == record.time


@given(st.dictionaries(st.sampled_from(sorted(REFUSED)), st.text() | st.integers() | st.none() | st.booleans()))
def test_any_values_are_read_or_skipped(values: dict[str, Any]) -> None:
    reader = reader_of(REFUSED | values)
    refused_targets(reader)

    assert reader.records + reader.unread + reader.older.total() == 1


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_skipped(content: bytes) -> None:
    reader = LogReader(BytesIO(content))
    refused_targets(reader)

    lines = len(content.split(b"\n")) - (not content or content.endswith(b"\n"))
    assert reader.records + reader.unread + reader.older.total() == lines
