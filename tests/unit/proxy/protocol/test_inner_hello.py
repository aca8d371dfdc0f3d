"""The result of a tunnel's first bytes under each set of checks."""

from itertools import product

import pytest

from licensegate.allowlist.target import Target
from licensegate.proxy.protocol.inner_hello import InnerHello, judge_inner_hello, note_hello
from licensegate.proxy.settings import TunnelChecks
from licensegate.proxy.wire.client_hello import HelloReader, read_client_hello
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck, open_record
from support.client_hellos import RECORDED, hello_message, in_records, server_name_extension

LIMIT = 65536
TARGET = Target("tools.cisco.com", 443)
HELLO = in_records(hello_message(server_name_extension(b"tools.cisco.com")))
ANOTHER = in_records(hello_message(server_name_extension(b"evil.example")))
NAMELESS = in_records(hello_message())

FOUND = {
    "the target's name": (HELLO, ServerNameCheck.MATCH),
    "the target's name, in capitals and with its dot": (
        in_records(hello_message(server_name_extension(b"TOOLS.cisco.com."))),
        ServerNameCheck.MATCH,
    ),
    "another name": (ANOTHER, ServerNameCheck.MISMATCH),
    "a name below the target's": (
        in_records(hello_message(server_name_extension(b"a.tools.cisco.com"))),
        ServerNameCheck.MISMATCH,
    ),
    "no name": (NAMELESS, ServerNameCheck.ABSENT),
    "HTTP": (b"GET / HTTP/1.1\r\n", ServerNameCheck.NOT_TLS),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", ServerNameCheck.NOT_TLS),
    "SMTP": (b"EHLO mail.example\r\n", ServerNameCheck.NOT_TLS),
    "a hello of SSL 2": (RECORDED["java-11-ssl-2"].hello, ServerNameCheck.NOT_TLS),
    "TLS of a version that there is not": (b"\x16\x04", ServerNameCheck.NOT_TLS),
    "an alert of TLS": (b"\x15\x03\x03\0\x02\x02\x28", ServerNameCheck.NOT_TLS),
    "another message of TLS": (b"\x16\x03\x01\0\x04\x02\0\0\0", ServerNameCheck.MALFORMED),
    "two names": (
        in_records(hello_message(server_name_extension(b"tools.cisco.com", b"evil.example"))),
        ServerNameCheck.MALFORMED,
    ),
    "more than is read": (b"\x16\x03\x01\x40\0\x01\x0f\0\0", ServerNameCheck.MALFORMED),
}
"""First bytes in a tunnel to TARGET, and the result of their check."""

REFUSED_FOR = {
    ServerNameCheck.MISMATCH: Outcome.SERVER_NAME_MISMATCH,
    ServerNameCheck.ABSENT: Outcome.SERVER_NAME_ABSENT,
    ServerNameCheck.NOT_TLS: Outcome.INNER_NOT_TLS,
    ServerNameCheck.MALFORMED: Outcome.INNER_HELLO_MALFORMED,
}


def judged(received: bytes, checks: TunnelChecks, target: Target = TARGET) -> InnerHello | None:
    return judge_inner_hello(HelloReader(LIMIT), received, target, checks)


def is_refused(check: ServerNameCheck, checks: TunnelChecks) -> bool:
    match check:
        case ServerNameCheck.MISMATCH:
            return checks.match_server_name
        case ServerNameCheck.ABSENT:
            return checks.require_server_name
        case ServerNameCheck.NOT_TLS:
            return checks.require_tls
        case ServerNameCheck.MALFORMED:
            return any((checks.require_tls, checks.match_server_name, checks.require_server_name))
        case _:
            return False


@pytest.mark.parametrize("stated", list(product([False, True], repeat=3)), ids=str)
@pytest.mark.parametrize(("received", "check"), FOUND.values(), ids=FOUND.keys())
def test_the_bytes_decide_the_result_and_the_checks_the_refusal(
    received: bytes, check: ServerNameCheck, stated: tuple[bool, bool, bool]
) -> None:
    checks = TunnelChecks(*stated)

    inner = judged(received, checks)

    assert inner is not None
    assert inner.check is check
    assert inner.refused is (REFUSED_FOR[check] if is_refused(check, checks) else None)


def test_by_default_only_an_absent_or_matching_name_passes() -> None:
    verdicts = {name: judged(received, TunnelChecks()) for name, (received, _) in FOUND.items()}

    passed = [name for name, inner in verdicts.items() if inner and inner.refused is None]
    assert passed == ["the target's name", "the target's name, in capitals and with its dot", "no name"]


@pytest.mark.parametrize("size", range(len(HELLO)))
def test_nothing_is_decided_before_a_hello_is_whole(size: int) -> None:
    assert judged(HELLO[:size], TunnelChecks()) is None


@pytest.mark.parametrize(
    ("received", "detail"),
    [
        pytest.param(HELLO, "", id="match"),
        pytest.param(NAMELESS, "", id="absent"),
        pytest.param(ANOTHER, "evil.example", id="mismatch"),
        pytest.param(b"GET /", "its first byte is 0x47", id="not TLS"),
        pytest.param(b"\x80\x2e\x01", "it is a hello of SSL 2", id="SSL 2"),
    ],
)
def test_the_detail_completes_the_sentence_of_the_outcome(received: bytes, detail: str) -> None:
    inner = judged(received, TunnelChecks(require_server_name=True))

    assert inner is not None
    assert inner.detail == detail


@pytest.mark.parametrize(
    ("host", "name"),
    [
        pytest.param("192.0.2.1", b"192.0.2.1", id="IPv4"),
        pytest.param("2001:db8::1", b"2001:DB8::1", id="IPv6"),
    ],
)
def test_a_target_that_is_an_address_is_matched_by_that_address(host: str, name: bytes) -> None:
    inner = judged(in_records(hello_message(server_name_extension(name))), TunnelChecks(), Target(host, 443))

    assert inner is not None
    assert inner.check is ServerNameCheck.MATCH


@pytest.mark.parametrize("name", ["nss-ech", "chromium", "java-17", "openssl-tls-1.0", "openssl-no-name"])
def test_the_fields_of_a_hello_are_recorded(name: str) -> None:
    row = RECORDED[name]
    record = open_record("10.1.2.3", 40000, "0.0.0.0:3128")
    hello = read_client_hello(row.hello, LIMIT)
    assert hello is not None

    note_hello(hello, record)

    assert (record.server_name, record.alpn) == (row.server_name, row.alpn)
    assert (record.tls_version, record.ech) == (row.max_version, row.ech)
