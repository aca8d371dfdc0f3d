"""The record of a connection, and the page that documents its keys: a contract with every reader of the log."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from licensegate.proxy.wire.protocol_detection import ClientProtocol
from licensegate.records.certificate import CertificateOutline
from licensegate.records.contact import Contact
from licensegate.records.finding import Certainty
from licensegate.records.outcome import GATE_MAY_END, Outcome, Party, Stage
from licensegate.records.record import (
    SCHEMA,
    DialAttempt,
    HostForm,
    LoginResult,
    RefusalTaken,
    ServerNameCheck,
    TunnelRecord,
    milliseconds,
    open_record,
)
from licensegate.records.summary import RecordSummary
from licensegate.records.tcp_account import TcpAccount

PAGE = (Path(__file__).parents[3] / "docs" / "records.md").read_text()

KEYS_OF_SCHEMA_2 = {
    "schema": "integer",
    "event": "text",
    "id": "text",
    "time": "time",
    "client": "text",
    "client_port": "integer",
    "listener": "text",
    "outcome": "text",
    "stage": "text",
    "ended_by": "text",
    "status": "integer",
    "detail": "text",
    "repeated": "integer",
    "protocol": "text",
    "balancer": "text",
    "gate_tls": "text",
    "client_certificate": "text",
    "user_agent": "text",
    "http_version": "text",
    "fields": "list of text",
    "host_form": "text",
    "method": "text",
    "requested": "text",
    "target": "text",
    "login": "text",
    "user": "text",
    "login_result": "text",
    "login_unanswered": "integer",
    "allowed": "boolean",
    "reported": "text",
    "rule": "text",
    "preset": "text",
    "policy": "text",
    "addresses": "list of text",
    "attempts": "list of attempts",
    "upstream": "text",
    "local": "text",
    "via": "text",
    "parent": "text",
    "parent_login": "text",
    "parent_status": "integer",
    "parent_reason": "text",
    "parent_server": "text",
    "server_name_check": "text",
    "server_name": "text",
    "alpn": "list of text",
    "tls_version": "text",
    "ech": "boolean",
    "client_records": "list of records",
    "upstream_records": "list of records",
    "client_alert": "integer",
    "upstream_alert": "integer",
    "head_ms": "number",
    "resolve_ms": "number",
    "dial_ms": "number",
    "parent_ms": "number",
    "relay_ms": "number",
    "total_ms": "number",
    "client_read": "integer",
    "client_written": "integer",
    "upstream_read": "integer",
    "upstream_written": "integer",
    "ended_first": "text",
    "refusal_taken": "text",
    "contact": "text",
    "tls_negotiated": "text",
    "answered_ms": "number",
    "client_last_ms": "number",
    "upstream_last_ms": "number",
    "request_bytes": "integer",
    "answer_bytes": "integer",
    "server_certificate": "certificate",
    "client_tcp": "account",
    "upstream_tcp": "account",
    "hello_bytes": "integer",
    "hello_size": "integer",
    "login_offered": "list of text",
    "parent_location": "text",
    "target_said": "text",
    "finding": "text",
    "certainty": "text",
    "evidence": "text",
}
KEYS_OF_AN_ATTEMPT = {"address": "text", "ms": "number", "errno": "text"}

TABLES = ("", "Each of the `attempts`", "A `certificate`", "An `account`", "## Summaries")
BYTES = ("_read", "_written", "_bytes", "_size")

WORDS: dict[object, str] = {
    int: "integer",
    int | None: "integer",
    str: "text",
    float | None: "number",
    float: "number",
    bool: "boolean",
    bool | None: "boolean",
    datetime: "time",
    Outcome | None: "text",
    Stage | None: "text",
    Party | None: "text",
    ServerNameCheck | None: "text",
    HostForm | None: "text",
    RefusalTaken | None: "text",
    LoginResult | None: "text",
    Sequence[str]: "list of text",
    tuple[str, ...]: "list of text",
    Sequence[tuple[int, int]]: "list of records",
    list[DialAttempt]: "list of attempts",
    Contact | None: "text",
    Certainty | None: "text",
    CertificateOutline | None: "certificate",
    TcpAccount | None: "account",
}
"""The page's names for these Python types."""


def keys_in_code(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {field.encode_name: WORDS[field.type] for field in msgspec.structs.fields(struct)}


def rows_on_page(first: str, after: str = "") -> list[list[str]]:
    """The rows of the first table after `after` whose heading begins with `first`, cell by cell."""
    _, heading, table = PAGE[PAGE.index(after) :].partition(f"| {first} |")
    assert heading, f"no table of {first} on the page"
    lines = table.splitlines()[2:]
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


def keys_on_page(after: str = "") -> dict[str, str]:
    return {row[0].strip("`"): row[1] for row in rows_on_page("Key", after)}


def column(name: str, after: str = "") -> dict[str, str]:
    place = ["Key", "Type", "Unit", "Meaning", "Left out"].index(name)
    return {row[0].strip("`"): row[place] for row in rows_on_page("Key", after)}


def lines_on_page() -> list[str]:
    return re.findall(r"^```json\n(.*)\n```$", PAGE.partition("## Summaries")[0], re.MULTILINE)


def encoded(record: TunnelRecord) -> dict[str, Any]:
    return dict(json.loads(msgspec.json.encode(record)))


def a_record() -> TunnelRecord:
    return open_record("10.1.2.3", 40000, "0.0.0.0:3128")


def test_the_keys_of_a_schema_do_not_change() -> None:
    assert SCHEMA == 2
    assert keys_in_code(TunnelRecord) == KEYS_OF_SCHEMA_2, (
        "a new key: add it here and to docs/records.md; a key that changed or went: SCHEMA goes up by one as well"
    )
    assert keys_in_code(DialAttempt) == KEYS_OF_AN_ATTEMPT


def test_the_page_lists_every_key_with_its_type_in_order() -> None:
    assert list(keys_on_page().items()) == list(keys_in_code(TunnelRecord).items())
    assert list(keys_on_page(after="Each of the `attempts`").items()) == list(keys_in_code(DialAttempt).items())
    assert list(keys_on_page(after="A `certificate`").items()) == list(keys_in_code(CertificateOutline).items())
    assert list(keys_on_page(after="An `account`").items()) == list(keys_in_code(TcpAccount).items())
    assert list(keys_on_page(after="## Summaries").items()) == list(keys_in_code(RecordSummary).items())


def test_every_key_on_the_page_has_meaning_and_left_out() -> None:
    for after in TABLES:
        assert all(meaning.endswith(".") for meaning in column("Meaning", after).values())
        assert all(column("Left out", after).values())


def test_the_page_names_the_unit_of_every_duration_and_size() -> None:
    for after in TABLES:
        for key, unit in column("Unit", after).items():
            assert (unit == "ms") == (key == "ms" or key.endswith("_ms"))
            assert (unit == "bytes") == (key.endswith(BYTES) or key == "unsent")


def test_the_page_lists_the_schema_and_every_enum_value() -> None:
    meaning = column("Meaning")

    assert meaning["schema"] == f"The version of this format: {SCHEMA}."
    assert set(re.findall(r"`(\w+)`", meaning["stage"])) == set(Stage)
    assert set(re.findall(r"`(\w+)`", meaning["contact"])) == set(Contact)
    assert set(re.findall(r"`(\w+)`", meaning["certainty"])) == set(Certainty)
    assert set(re.findall(r"`(\w+)`", meaning["ended_by"])) == set(Party)
    assert set(re.findall(r"`(\w+)`", meaning["server_name_check"])) == set(ServerNameCheck)
    assert set(re.findall(r"`(\w+)`", meaning["login_result"])) == set(LoginResult)
    assert set(re.findall(r"`(\w+)`", meaning["protocol"])) == {*ClientProtocol, "https"} - {ClientProtocol.UNDECIDED}
    assert [row[0].strip("`") for row in rows_on_page("Event")] == ["start", "end", "summary"]


def test_a_new_record_has_the_keys_that_are_never_left_out() -> None:
    record = a_record()
    record.total_ms = 0.0

    assert encoded(record).keys() == {key for key, left_out in column("Left out").items() if left_out == "never"}


@pytest.mark.parametrize(
    "line",
    lines_on_page(),
    ids=[
        "served",
        "refused",
        "not logged in",
        "reported",
        "intercepted",
        "lost",
        "half a hello",
        "refused by a parent",
    ],
)
def test_the_lines_on_the_page_are_records(line: str) -> None:
    record = msgspec.json.decode(line, type=TunnelRecord)

    assert encoded(record) == json.loads(line), "a key that the record does not know"
    assert record.outcome is not None
    assert record.stage is record.outcome.stage
    assert record.ended_by is record.outcome.ended_by or record.outcome in GATE_MAY_END
    assert record.schema == SCHEMA


def test_the_lines_on_the_page_show_every_common_key() -> None:
    shown = {key for line in lines_on_page() for key in json.loads(line)}

    rare = {"requested", "repeated", "ech", "upstream_alert", "client_tcp", "parent_location", "target_said"}
    assert shown == keys_on_page().keys() - rare


def test_the_summary_on_the_page_is_one() -> None:
    (line,) = re.findall(r"^```json\n(.*)\n```$", PAGE.partition("## Summaries")[2], re.MULTILINE)
    summary = msgspec.json.decode(line, type=RecordSummary)

    assert json.loads(msgspec.json.encode(summary)) == json.loads(line)
    assert (summary.schema, summary.event, summary.outcome) == (SCHEMA, "summary", Outcome.TARGET_NOT_ALLOWED)


def test_a_new_record_has_a_unique_id_and_no_outcome() -> None:
    one, two = a_record(), a_record()

    assert (one.event, one.outcome, one.sentence(), one.remedy()) == ("end", None, "", "")
    assert re.fullmatch(r"[0-9a-f]{18}", one.id)
    assert one.id != two.id
    assert one.time.tzinfo is UTC
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?Z", encoded(one)["time"])


def test_only_the_first_outcome_counts() -> None:
    record = a_record()

    record.end(Outcome.CONNECTION_REFUSED, "192.0.2.1:443, ECONNREFUSED")
    record.end(Outcome.CLIENT_LEFT_IN_HEAD, "later")

    assert record.outcome is Outcome.CONNECTION_REFUSED
    assert (record.stage, record.ended_by) == (Stage.DIAL, Party.UPSTREAM)
    assert record.detail == "192.0.2.1:443, ECONNREFUSED"
    assert encoded(record)["outcome"] == "connection_refused"


def test_sentence_and_remedy_are_filled_from_the_record() -> None:
    record = a_record()
    record.target = "smartreceiver.cisco.com:443"
    record.end(Outcome.TARGET_IN_PRESET, "smart-transport")

    assert record.sentence() == (
        "smartreceiver.cisco.com:443 is not in the allowlist, but the preset smart-transport would allow it."
    )
    assert record.remedy() == "Add that preset to allowlist.presets."


def test_a_missing_detail_reads_no_detail() -> None:
    record = a_record()
    record.end(Outcome.CONNECTION_REFUSED)

    assert record.sentence().endswith(" refused the connection (no detail).")


def test_a_detail_in_braces_is_not_filled_again() -> None:
    record = a_record()
    record.end(Outcome.HEAD_MALFORMED, "{client} {0} {")

    assert record.sentence() == "The request is not a valid HTTP/1 request: {client} {0} {."


@pytest.mark.parametrize("outcome", Outcome, ids=lambda outcome: outcome.label)
def test_every_outcome_has_a_sentence_for_an_empty_record(outcome: Outcome) -> None:
    record = a_record()
    record.end(outcome)

    assert record.sentence().endswith(".")
    assert record.remedy().endswith(".")
    assert not re.search(r"[{}]", record.sentence() + record.remedy())


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, 0.0), (0.0000004, 0.0), (0.0000006, 0.001), (1.5, 1500.0), (3600.0, 3600000.0)],
)
def test_durations_are_milliseconds_to_the_microsecond(seconds: float, written: float) -> None:
    assert milliseconds(seconds) == written
