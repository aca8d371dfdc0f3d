"""The access log as JSON, where a reader takes no long line."""

import json
from datetime import UTC, datetime

import msgspec

from licensegate.app.logs.open_sink import MOST_BYTES
from licensegate.app.observers.json_lines import JsonLines
from licensegate.records.certificate import CertificateOutline
from licensegate.records.outcome import Outcome
from licensegate.records.record import DialAttempt, TunnelRecord, open_record

LONGEST = MOST_BYTES - 1024
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def record(texts: str = "") -> TunnelRecord:
    """A record with lists as long as they can be, and with this in each text that has nothing yet."""
    made = open_record("192.0.2.9", 4711, "127.0.0.1:3128")
    made.end(Outcome.CLOSED_BY_CLIENT)
    for field in msgspec.structs.fields(TunnelRecord):
        if field.type is str and not getattr(made, field.name):
            setattr(made, field.name, texts)
    made.fields = ("abcdefghijkl",) * 32
    made.addresses = ["2001:db8:1111:2222:3333:4444:5555:6666"] * 64
    made.attempts = [DialAttempt("2001:db8:1111:2222:3333:4444:5555:6666", 1.5, "ECONNREFUSED")] * 64
    made.client_records = made.upstream_records = [(22, 16384)] * 16
    made.server_certificate = CertificateOutline("s" * 200, "i" * 200, NOON, NOON, ("n" * 253,) * 16)
    return made


def test_a_line_within_the_limit_has_everything() -> None:
    whole = record()
    assert JsonLines(1 << 16).encode(whole) == msgspec.json.encode(whole)


def test_a_longer_line_goes_without_its_lists() -> None:
    line = JsonLines(LONGEST).encode(record("text"))
    assert len(line) <= LONGEST
    found = json.loads(line)
    assert (found["outcome"], found["target"], found["client"]) == ("closed_by_client", "text", "192.0.2.9")
    assert not found.keys() & {"attempts", "addresses", "server_certificate"}


def test_no_text_is_so_long_that_a_line_is_cut() -> None:
    line = JsonLines(LONGEST).encode(record("\\" * 400))
    assert len(line) <= LONGEST
    assert json.loads(line)["user_agent"] == "\\" * 60
