"""What was written down and is read again: access logs and exports of a ledger."""

import io
from datetime import timedelta

import msgspec

from licensegate.ledger.entries import LedgerEntry
from licensegate.ledger.transfer import TransferError, export_lines, imported_entries
from licensegate.records.log_reader import LogEntry, LogReader, read_record
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.ledger_entries import answer_of_product, by_hand, failed, kept_text, named, success
from support.records import failure, tunnel

from ..target import LARGE_JSON, FuzzTarget, listed

RECORD = msgspec.json.encode(tunnel())
EXPORT = b"".join(export_lines([*success(), *failed(), by_hand(), answer_of_product(), named("a"), kept_text()]))


def log_entries(data: bytes) -> list[LogEntry]:
    """The entries of a log, as every command reads it."""
    reader = LogReader(io.BytesIO(data))
    found = [entry for _, entry in reader]
    assert reader.records == len(found)
    assert reader.unread_lines.isprintable()
    return found


def log_entries_hold(_data: bytes, found: list[LogEntry]) -> None:
    """A record is written as it is read, and its time is in UTC."""
    for entry in found:
        assert entry.time.utcoffset() == timedelta()
        if isinstance(entry, TunnelRecord):
            again = read_record(msgspec.json.encode(entry))
            assert (again.time, again.outcome, again.client) == (entry.time, entry.outcome, entry.client)
            assert entry.outcome is None or entry.sentence()


def imported(data: bytes) -> list[LedgerEntry]:
    return list(imported_entries(io.BytesIO(data)))


def imported_hold(_data: bytes, outcome: list[LedgerEntry] | TransferError) -> None:
    """What was imported is exported and imported as it was."""
    if not isinstance(outcome, TransferError):
        assert imported(b"".join(export_lines(outcome))) == outcome


TARGETS = (
    FuzzTarget(
        name="access-log",
        read=log_entries,
        holds=log_entries_hold,
        seeds=(
            RECORD + b"\n",
            RECORD + b"\n{}\nnot a record\n" + RECORD[:40],
            msgspec.json.encode(failure(Outcome.TARGET_NOT_ALLOWED)),
            b'{"schema":2,"event":"end","id":"1","time":"2026-09-01T08:00:00.5Z","client":"10.1.2.3","client_port":1,"listener":"a"}\n',
            b'{"schema":2,"event":"summary","time":"2026-09-01T08:00:00Z","outcome":"a_newer_one","connections":3}\n',
        ),
        words=(
            *listed(r"""
            {"schema":2, "event":"end" "summary" "time":"0001-01-01T00:00:00+23:59"
            "9999-12-31T23:59:59-23:59" \n "outcome": "closed_by_client" null 1e400 -1 "\\ud800" \xff ,
            """),
            *LARGE_JSON,
        ),
        largest=8192,
    ),
    FuzzTarget(
        name="ledger-export",
        read=imported,
        refuses=(TransferError,),
        holds=imported_hold,
        seeds=(
            EXPORT,
            b"".join(EXPORT.splitlines(keepends=True)[:2]),
            b'{"ledger":"licensegate","schema":4}\n',
            b"{}",
            b"",
        ),
        words=(
            *listed(r"""
            {"ledger":"licensegate","schema":3}\n
            {"kind":"contact","client":{"kind":"named","name":"a"},"target":"b:1"}\n "kind":"hour"
            "time":"0001-01-01T00:00:00+23:59" "day":"0001-01-01" \\u0000 \n
            """),
            *LARGE_JSON,
        ),
        largest=8192,
    ),
)
