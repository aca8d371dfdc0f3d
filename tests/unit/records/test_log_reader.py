"""An access log read back; it may hold lines of other programs and of older releases."""

import json
from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given

from licensegate.records import log_reader as module
from licensegate.records.certificate import CertificateOutline
from licensegate.records.contact import Contact
from licensegate.records.finding import Certainty
from licensegate.records.log_reader import LogReader, read_record
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from licensegate.records.summary import RecordSummary
from licensegate.records.tcp_account import TcpAccount
from support.records import NOON, any_record, tunnel

RECORD = {
    "schema": 2,
    "event": "end",
    "id": "1",
    "time": "2026-09-01T08:00:00.5Z",
    "client": "10.1.2.3",
    "client_port": 40000,
    "listener": "0.0.0.0:3128",
}


def read(*lines: dict[str, Any] | bytes) -> tuple[LogReader, list[int]]:
    """Read a log of these lines. Returns the reader and the numbers of the records."""
    texts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    reader = LogReader(BytesIO(b"".join(text + b"\n" for text in texts)))
    return reader, [number for number, _ in reader]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"2026-09-01 ready: listening on 0.0.0.0:3128", id="text"),
        pytest.param(
            b'{"schema":1,"event":"change","time":"2026-09-01T00:00:00Z","kind":"start","ok":true}', id="a change"
        ),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"schema":2,"event":"end","time":"2026', id="cut"),
        pytest.param(b"\xff\xfe\0", id="bytes"),
        pytest.param(b'{"level":"info","msg":"hello"}', id="another program's JSON"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", id="deeply nested lists"),
        pytest.param(RECORD | {"schema": 3}, id="a newer schema"),
        pytest.param(RECORD | {"schema": 0}, id="schema 0"),
        pytest.param(RECORD | {"time": "yesterday"}, id="not a time"),
        pytest.param(RECORD | {"time": "2026-09-01T08:00:00"}, id="a time without a zone"),
        pytest.param(RECORD | {"time": "0001-01-01T00:00:00+01:00"}, id="a time before the year 1"),
        pytest.param(RECORD | {"client": 5}, id="a key of the wrong type"),
    ],
)
def test_line_that_is_not_a_record_is_skipped_and_numbered(line: dict[str, Any] | bytes) -> None:
    reader, numbers = read(RECORD, line, RECORD)

    assert numbers == [1, 3]
    assert (reader.records, reader.unread, reader.unread_lines) == (2, 1, "2")
    assert not reader.older


def test_line_of_an_older_schema_is_skipped_and_counted_by_schema() -> None:
    reader, numbers = read(RECORD, RECORD | {"schema": 1}, RECORD | {"schema": 1})

    assert numbers == [1]
    assert (reader.records, reader.unread, reader.older) == (1, 0, {1: 2})


def test_only_the_first_unread_lines_are_numbered() -> None:
    reader, _ = read(RECORD, *[b"x"] * 9)

    assert reader.unread_lines == "2, 3, 4, 5, 6 and 4 more"


def test_rejected_record_counts_as_unread() -> None:
    reader, _ = read(RECORD, RECORD)
    reader.reject(2)

    assert (reader.records, reader.unread, reader.unread_lines) == (1, 1, "2")


def test_overlong_line_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_LINE", 400)

    reader, _ = read(RECORD, b"x" * 4000, RECORD)

    assert (reader.records, reader.unread, reader.unread_lines) == (2, 1, "2")
    assert read(b"x" * 4000)[0].unread == 1


@given(any_record)
def test_a_record_is_read_back_as_it_was_written(record: TunnelRecord) -> None:
    assert read_record(msgspec.json.encode(record)) == record


def test_the_evidence_of_a_record_is_read_back() -> None:
    record = tunnel(
        contact=Contact.CERTIFICATE_REJECTED,
        server_certificate=CertificateOutline("CN=a", "CN=b", NOON, NOON, ("a",)),
        upstream_tcp=TcpAccount(6000, 5, 3),
        login_offered=("basic",),
        finding="missing_root",
        certainty=Certainty.LIKELY,
        evidence="alert 48",
    )

    assert read_record(msgspec.json.encode(record)) == record


def test_a_summary_is_read_as_one() -> None:
    reader = LogReader(BytesIO(b'{"schema":2,"event":"summary","time":"2026-09-01T08:00:00Z","count":4}\n'))

    ((_, entry),) = reader
    assert isinstance(entry, RecordSummary)
    assert entry.count == 4


def test_what_a_newer_release_wrote_is_left_out() -> None:
    line = RECORD | {
        "outcome": "invented_later",
        "contact": "half_answered",
        "finding": "a_new_one",
        "new_key": {"a": 1},
    }

    record = read_record(json.dumps(line | {"client": "10.9.9.9"}).encode())
    assert (record.outcome, record.contact) == (None, None)
    assert (record.client, record.finding) == ("10.9.9.9", "a_new_one")


def test_times_are_read_in_utc() -> None:
    record = read_record(json.dumps(RECORD | {"time": "2026-09-01T10:00:00+02:00", "outcome": "draining"}).encode())

    assert f"{record.time:%H:%M %Z}" == "08:00 UTC"
    assert record.outcome is Outcome.DRAINING
