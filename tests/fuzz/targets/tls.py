"""TLS in the clear: ClientHellos, records of both directions, a server's handshake and certificates."""

from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL.crypto import X509Store

from licensegate.allowlist.target import parse_host
from licensegate.certs.chain import ChainJudge, ChainJudgement
from licensegate.probe.records import NotTlsError, RecordCutter
from licensegate.proxy.wire.certificate_outline import certificate_outline
from licensegate.proxy.wire.client_hello import ClientHello, HelloError, HelloReader, read_client_hello
from licensegate.proxy.wire.server_handshake import ServerHandshake
from licensegate.proxy.wire.tls_records import MOST_RECORDS
from licensegate.records.certificate import CertificateOutline
from licensegate.records.contact import Contact
from support.certificates import issue
from support.client_hellos import (
    INVALID_SERVER_NAMES,
    RECORDED,
    alpn,
    hello_message,
    in_records,
    server_name_extension,
    versions,
)
from support.openssl_hello import assert_openssl_agrees
from support.tls_streams import CCS, HANDSHAKE, RETRY_RANDOM, TlsTunnel, alert, certificate, data, record, server_hello

from ..target import FuzzTarget, assert_one_line, assert_prefixes_agree, listed, pieces

LIMIT = 8192
NOW = datetime(2026, 11, 30, tzinfo=UTC)
NAMED = server_name_extension(b"tools.cisco.com")
LEAF = issue().certificate.public_bytes(Encoding.DER)
HELLO_12, HELLO_13 = server_hello(), server_hello(0x0304)
FLIGHT_12 = record(HANDSHAKE, HELLO_12 + certificate(LEAF) + bytes((14, 0, 0, 0)))
FLIGHT_13 = record(HANDSHAKE, HELLO_13) + CCS + data(23, 843, 281, 69)


def hello_verdict(received: bytes) -> ClientHello | tuple[object, str] | None:
    """The hello, the fault and its phrase, or None while incomplete."""
    try:
        return read_client_hello(received, LIMIT)
    except HelloError as error:
        return error.fault, str(error)


def hello_holds(received: bytes, outcome: ClientHello | HelloError | None) -> None:
    """However it arrives, a hello has one verdict, its name is a host's, and OpenSSL reads no other name."""
    assert_prefixes_agree(hello_verdict, received)
    assert arriving(received, 7) == hello_verdict(received)
    if isinstance(outcome, ClientHello):
        assert not outcome.server_name or parse_host(outcome.server_name) == outcome.server_name
        assert outcome.size <= LIMIT
        assert all(name.isprintable() and name.isascii() for name in outcome.alpn)
        assert_openssl_agrees(received[: outcome.size])


def arriving(received: bytes, size: int) -> ClientHello | tuple[object, str] | None:
    """The verdict of one reader that gets the bytes in pieces of this size."""
    reader = HelloReader(LIMIT)
    for end in range(size, len(received) + size, size):
        try:
            found = reader.read(received[:end])
        except HelloError as error:
            return error.fault, str(error)
        if found is not None:
            return found
        reader.announced_size(received[:end])
    return None


def directions(received: bytes) -> list[tuple[str, bytes]]:
    """What both sides sent, in turns: after each `|` the other one speaks."""
    return [("ct"[number % 2], sent) for number, sent in enumerate(received.split(b"|"))]


def relayed(received: bytes) -> TlsTunnel:
    return TlsTunnel(alpn=("h2",)).feed(*directions(received))


def relayed_holds(received: bytes, whole: TlsTunnel) -> None:
    """In any pieces the records say the same of the contact."""
    assert isinstance(whole.contact, Contact)
    for size in (1, 6):
        split = TlsTunnel(alpn=("h2",)).feed(*directions(received), split=size)
        assert split.contact is whole.contact
        assert (split.exchange.version, split.exchange.tickets) == (whole.exchange.version, whole.exchange.tickets)
        for one, other in ((split.client, whole.client), (split.target, whole.target)):
            assert one.records[:MOST_RECORDS] == other.records[:MOST_RECORDS]
            assert one.alert == other.alert


def handshake(parts: Iterable[bytes]) -> tuple[str, bool, bytes]:
    """Version, whether it is final, and the certificate, of a server's messages in these pieces."""
    server = ServerHandshake()
    for part in parts:
        if not server.read(part):
            break
    return server.version, server.is_chosen, server.certificate


def handshake_holds(received: bytes, whole: tuple[str, bool, bytes]) -> None:
    """In any pieces the same is read."""
    for size in (1, 5):
        assert handshake(pieces(received, size)) == whole


def outline_holds(_data: bytes, outcome: CertificateOutline | None) -> None:
    """An outline is short and printable: it stands in records and on pages."""
    if outcome is not None:
        texts = (outcome.subject, outcome.issuer, *outcome.names)
        assert all(text.isprintable() and len(text) <= 200 for text in texts)
        assert len(outcome.names) <= 16


def cut(parts: Iterable[bytes]) -> tuple[list[bytes], bytes, bool]:
    """The records in these pieces, what is left, and whether it is TLS."""
    cutter = RecordCutter()
    found: list[bytes] = []
    try:
        for part in parts:
            found.extend(one.data for one in cutter.feed(part))
    except NotTlsError:
        return found, b"", False
    return found, cutter.pending, True


def cut_holds(received: bytes, whole: tuple[list[bytes], bytes, bool]) -> None:
    """In any pieces the same records come out, and no byte is lost."""
    assert cut(pieces(received, 3)) == whole
    records, left, is_tls = whole
    assert not is_tls or b"".join(records) + left == received


def judge(chain: bytes) -> ChainJudgement:
    """What the probe's judge says of a certificate in DER, with another behind it."""
    return ChainJudge(X509Store).judge([chain, LEAF], "gate.example", NOW)


def judgement_holds(_chain: bytes, judgement: ChainJudgement) -> None:
    """The reason is one line: it stands in the log and on a page."""
    assert_one_line(judgement.detail)


TARGETS = (
    FuzzTarget(
        name="client-hello",
        read=lambda received: read_client_hello(received, LIMIT),
        refuses=(HelloError,),
        holds=hello_holds,
        seeds=(
            *(row.hello for row in RECORDED.values() if len(row.hello) <= 2048),
            *(in_records(hello_message(invalid)) for invalid in INVALID_SERVER_NAMES.values()),
            in_records(hello_message(NAMED, alpn(b"h2", b"http/1.1"), versions(0x0304, 0x0303)), [1, 3, 90]),
            in_records(hello_message(NAMED), [1] * 40),
        ),
        words=(*listed(r"\x16\x03\x01 \x01\x00\x00 \x00\x00 \x00\x10 \x00+ \xfe\r \x03\x04 \xff\xff \x80.\x01"), NAMED),
    ),
    FuzzTarget(
        name="tls-exchange",
        read=relayed,
        holds=relayed_holds,
        seeds=(
            b"|" + FLIGHT_13 + b"|" + CCS + data(69) + data(400) + b"|" + data(250, 250, 517),
            b"|" + FLIGHT_12 + b"|" + record(HANDSHAKE, bytes(37)) + CCS + record(HANDSHAKE, bytes(40)) + b"|" + CCS,
            b"|" + FLIGHT_12 + b"|" + alert(48),
            b"|"
            + record(HANDSHAKE, server_hello(0x0304, RETRY_RANDOM))
            + CCS
            + b"|"
            + CCS
            + record(HANDSHAKE, bytes(517)),
            b"|" + alert(112, 1) + FLIGHT_13 + b"|" + CCS + data(35, 35),
            b"|HTTP/1.1 400 Bad Request\r\n\r\n",
        ),
        words=(
            *listed(r"| \x17\x03\x03"),
            CCS,
            alert(0),
            alert(48),
            data(19),
            data(69),
            data(250),
            record(22, bytes(40)),
            record(24, b"\x01"),
        ),
        largest=2048,
    ),
    FuzzTarget(
        name="server-handshake",
        read=lambda received: handshake([received]),
        holds=handshake_holds,
        seeds=(
            HELLO_12 + certificate(LEAF),
            HELLO_13,
            server_hello(0x0304, RETRY_RANDOM) + HELLO_13,
            certificate(LEAF),
            server_hello(0x0301, bytes(32), alpn(b"h2")) + certificate(b"leaf", b"ca"),
            b"\2\0\0\2\3\3",
        ),
        words=(
            *listed(r"\x02\x00\x00 \x0b\x00\x00 \x03\x04 \x03\x03 \x00+\x00\x02 \xff\xff\xff"),
            RETRY_RANDOM,
            certificate(b"x"),
        ),
        largest=2048,
    ),
    FuzzTarget(
        name="certificate-outline",
        read=certificate_outline,
        holds=outline_holds,
        seeds=(LEAF, issue("CN=x\x1b", authority=True).certificate.public_bytes(Encoding.DER)),
        words=listed(r"0\x80 0\x84 1 \x06\x03U\x04\x03 \x17\r \x18\x0f \x1e \x82 \x87\x04 Z"),
        largest=1024,
    ),
    FuzzTarget(
        name="certificate-chain",
        read=judge,
        holds=judgement_holds,
        seeds=(LEAF, issue(authority=True, names=(), usage=None).certificate.public_bytes(Encoding.DER)),
        words=listed(r"0\x82 \x06\x03U\x1d\x11 \x06\x03U\x1d% \x17\r \x0c \x82 \x87\x04"),
        largest=2048,
    ),
    FuzzTarget(
        name="probe-records",
        read=lambda received: cut([received]),
        holds=cut_holds,
        seeds=(FLIGHT_12, FLIGHT_13, CCS, alert(0), b"\x16\x02", b"HTTP/1.1 200"),
        words=(*listed(r"\x17\x03\x03 \x16\x03 \xff\xff"), CCS, data(1), data(0)),
        largest=2048,
    ),
)
