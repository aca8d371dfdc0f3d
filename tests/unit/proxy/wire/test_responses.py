"""The 200, and the refusal and alert of each outcome, parsed as a client would."""

import re
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.language.language import ENGLISH, JAPANESE, Language
from licensegate.proxy.wire.responses import ESTABLISHED, alert, refusal
from licensegate.records.alert import Alert
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import TunnelRecord, open_record
from support.tls_memory import VERSIONS, MemoryTlsClient, client_context

REFUSALS = [outcome for outcome in Outcome if outcome.status >= 400]
OTHERS = [outcome for outcome in Outcome if outcome.status < 400]

every_refusal = pytest.mark.parametrize("outcome", REFUSALS, ids=lambda outcome: outcome.label)

HOSTILE = {
    "CR LF": 'x"\r\nSet-Cookie: a=b\r\n\r\n<html>',
    "bare LF": "a\nSet-Cookie: a=b",
    "NUL": "a\0b",
    "quotes and a backslash": '"; error=dns_error; details="\\',
    "beyond Latin-1": "\u202etools\u2028.cisco.com",
    "Latin-1": "\xe9\x85",
    "ten thousand characters": "x" * 10_000,
    "a lone surrogate": "\ud800",
}

# RFC 8941 section 3: what Proxy-Status (RFC 9209 section 2) is made of; one member here, and only bare items we send.
_TOKEN = r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
_STRING = r'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_KEY = r"[a-z*][a-z0-9_.*-]*"
_MEMBER = re.compile(rf"({_TOKEN})((?: *; *{_KEY}=(?:{_TOKEN}|{_STRING}))*)")
_PARAMETER = re.compile(rf"; *({_KEY})=({_TOKEN}|{_STRING})")


def ended(outcome: Outcome, detail: str = "", *, target: str = "tools.cisco.com:443", method: str = "") -> TunnelRecord:
    record = open_record("10.1.2.3", 40000, "0.0.0.0:3128")
    record.target = target
    record.method = method
    record.end(outcome, detail)
    return record


def taken_apart(answer: bytes) -> tuple[str, dict[str, str], bytes]:
    """Status line, fields and body. Asserts that no client can misread a line."""
    head, end, body = answer.partition(b"\r\n\r\n")
    assert end
    status_line, *field_lines = head.decode("ascii").split("\r\n")
    assert all(line.isprintable() for line in (status_line, *field_lines))
    fields = dict(line.split(": ", 1) for line in field_lines)
    assert len(fields) == len(field_lines), "a field came twice"
    return status_line, fields, body


def proxy_status(field: str) -> tuple[str, dict[str, str]]:
    """The only member of the list, and its raw parameters."""
    member = _MEMBER.fullmatch(field)
    assert member, f"no structured field: {field}"
    parameters = _PARAMETER.findall(member[2])
    assert len(dict(parameters)) == len(parameters), "a parameter came twice"
    return member[1], dict(parameters)


def test_the_200_has_no_field_at_all() -> None:
    assert taken_apart(ESTABLISHED) == ("HTTP/1.1 200 Connection established", {}, b"")


@every_refusal
def test_the_reason_phrase_is_label_and_sentence(outcome: Outcome) -> None:
    record = ended(outcome, "this detail")

    status_line, _, _ = taken_apart(refusal(record))

    assert status_line == f"HTTP/1.1 {outcome.status} {outcome.label}: {record.sentence()}"


@every_refusal
def test_proxy_status_carries_the_error_type_and_the_records_id(outcome: Outcome) -> None:
    record = ended(outcome, "this detail")

    _, fields, _ = taken_apart(refusal(record))

    assert proxy_status(fields["Proxy-Status"]) == (
        "licensegate",
        {"error": outcome.error, "details": f'"{outcome.label} {record.id}"'},
    )


@every_refusal
def test_the_body_is_text_with_sentence_remedy_and_id(outcome: Outcome) -> None:
    record = ended(outcome, "this detail")

    _, fields, body = taken_apart(refusal(record))

    assert body.decode() == f"LicenseGate: {record.sentence()} {record.remedy()} ({outcome.label}, {record.id})\n"
    assert fields["Content-Length"] == str(len(body))
    assert fields["Content-Type"] == "text/plain; charset=utf-8"


@every_refusal
def test_only_the_body_is_in_the_clients_language(outcome: Outcome) -> None:
    record = ended(outcome, "this detail")

    status_line, fields, body = taken_apart(refusal(record, language=JAPANESE))

    assert status_line == f"HTTP/1.1 {outcome.status} {outcome.label}: {record.sentence()}"
    said = f"{record.sentence(JAPANESE)} {record.remedy(JAPANESE)}"
    assert body.decode() == f"LicenseGate: {said} ({outcome.label}, {record.id})\n"
    assert fields["Content-Length"] == str(len(body))
    assert fields["Content-Language"] == "ja"


def test_a_body_in_english_says_so() -> None:
    assert taken_apart(refusal(ended(Outcome.DRAINING)))[1]["Content-Language"] == "en"


@every_refusal
def test_a_refusal_closes_the_connection_and_is_kept_by_no_cache(outcome: Outcome) -> None:
    _, fields, _ = taken_apart(refusal(ended(outcome)))

    assert fields["Connection"] == "close"
    assert fields["Cache-Control"] == "no-store"
    assert "Transfer-Encoding" not in fields


@every_refusal
def test_allow_and_retry_after_come_with_the_statuses_that_want_them(outcome: Outcome) -> None:
    _, fields, _ = taken_apart(refusal(ended(outcome)))

    assert fields.get("Allow") == ("CONNECT" if outcome.status == 405 else None)
    assert ("Retry-After" in fields) == (outcome.status in {429, 503})
    assert fields.get("Retry-After", "60").isdigit()


@pytest.mark.parametrize("outcome", OTHERS, ids=lambda outcome: outcome.label)
def test_an_outcome_without_an_error_status_makes_no_refusal(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match="error status"):
        refusal(ended(outcome))


def test_a_record_without_an_outcome_makes_no_refusal() -> None:
    with pytest.raises(ValueError, match="error status"):
        refusal(open_record("10.1.2.3", 40000, "0.0.0.0:3128"))


def test_head_is_answered_without_the_body_that_get_would_have() -> None:
    _, fields, body = taken_apart(refusal(ended(Outcome.METHOD_NOT_ALLOWED, method="HEAD")))

    assert body == b""
    assert int(fields["Content-Length"]) > 0


def assert_contained(record: TunnelRecord, language: Language = ENGLISH) -> None:
    """Untrusted text adds no field and no line."""
    assert record.outcome is not None
    status_line, fields, body = taken_apart(refusal(record, language=language))
    _, expected, _ = taken_apart(refusal(ended(record.outcome)))
    assert fields.keys() == expected.keys()
    assert len(status_line) <= 300
    assert status_line.startswith(f"HTTP/1.1 {record.outcome.status} {record.outcome.label}: ")
    assert proxy_status(fields["Proxy-Status"])[1]["details"] == f'"{record.outcome.label} {record.id}"'
    assert int(fields["Content-Length"]) == len(body)
    text = body.decode("ascii" if language is ENGLISH else "utf-8")
    assert text.removesuffix("\n").isprintable()


@pytest.mark.parametrize("detail", HOSTILE.values(), ids=HOSTILE.keys())
@every_refusal
def test_a_hostile_detail_cannot_break_out_of_its_line(outcome: Outcome, detail: str) -> None:
    assert_contained(ended(outcome, detail))
    assert_contained(ended(outcome, target=detail))
    assert_contained(ended(outcome, detail), JAPANESE)


@given(st.sampled_from(REFUSALS), st.text(), st.text(), st.sampled_from([ENGLISH, JAPANESE]))
def test_no_text_can_break_out_of_its_line(outcome: Outcome, detail: str, target: str, language: Language) -> None:
    assert_contained(ended(outcome, detail, target=target), language)


# Alerts

DENIED, UNRECOGNIZED, UNREADABLE, FAULT = (
    Alert.ACCESS_DENIED, Alert.UNRECOGNIZED_NAME, Alert.DECODE_ERROR, Alert.INTERNAL_ERROR
)  # fmt: skip
ALERTS = {
    Outcome.CLIENT_NOT_ALLOWED: DENIED,
    Outcome.SERVER_NAME_NOT_ALLOWED: UNRECOGNIZED,
    Outcome.TARGET_NOT_ALLOWED: UNRECOGNIZED,
    Outcome.TARGET_IN_PRESET: UNRECOGNIZED,
    Outcome.TARGET_PORT_NOT_ALLOWED: UNRECOGNIZED,
    Outcome.TARGET_IS_ADDRESS: UNRECOGNIZED,
    Outcome.LOGIN_IMPOSSIBLE: DENIED,
    Outcome.TARGET_NOT_FOR_CLIENT: DENIED,
    Outcome.SERVER_NAME_MISMATCH: UNRECOGNIZED,
    Outcome.SERVER_NAME_ABSENT: UNRECOGNIZED,
    Outcome.HELLO_MALFORMED: UNREADABLE,
    Outcome.INNER_HELLO_MALFORMED: UNREADABLE,
    Outcome.HELLO_LOOP: FAULT,
    Outcome.TUNNELS_EXHAUSTED: FAULT,
    Outcome.CLIENT_TUNNELS_EXHAUSTED: FAULT,
    Outcome.CLIENT_RATE_EXCEEDED: FAULT,
    Outcome.USER_RATE_EXCEEDED: FAULT,
    Outcome.DRAINING: FAULT,
    Outcome.INTERNAL_ERROR: FAULT,
    **{it: FAULT for it in Outcome if it.stage in {Stage.RESOLVE, Stage.DIAL} and it.status},
}
"""The alert of each outcome that refuses a TLS client."""


def test_every_refusal_by_policy_or_dial_has_a_fitting_alert() -> None:
    assert {outcome for outcome in Outcome if outcome.stage is Stage.POLICY} <= ALERTS.keys()


@pytest.mark.parametrize(("outcome", "expected"), ALERTS.items(), ids=[outcome.label for outcome in ALERTS])
def test_an_alert_is_fatal_and_names_the_kind_of_refusal(outcome: Outcome, expected: Alert) -> None:
    assert alert(outcome) == bytes([21, 3, 3, 0, 2, 2, expected])


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())
@pytest.mark.parametrize(
    ("expected", "reported"),
    [
        pytest.param(DENIED, "TLSV1_ALERT_ACCESS_DENIED", id="denied"),
        pytest.param(UNRECOGNIZED, "TLSV1_UNRECOGNIZED_NAME", id="unrecognized"),
        pytest.param(UNREADABLE, "TLSV1_ALERT_DECODE_ERROR", id="unreadable"),
        pytest.param(FAULT, "TLSV1_ALERT_INTERNAL_ERROR", id="fault"),
    ],
)
def test_openssl_reports_the_alert_by_its_name(expected: Alert, reported: str, version: ssl.TLSVersion) -> None:
    outcome = next(outcome for outcome, its in ALERTS.items() if its is expected)
    client = MemoryTlsClient(client_context(None, version), "tools.cisco.com")
    assert not client.handshake()

    client.feed(alert(outcome))

    with pytest.raises(ssl.SSLError) as caught:
        client.handshake()
    assert caught.value.reason == reported
