"""A client's first bytes in its tunnel: are they TLS, and for the name that its CONNECT asked for? Never decrypts."""

from typing import Final

from msgspec import Struct

from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome
from licensegate.records.record import ServerNameCheck, TunnelRecord

from ..settings import TunnelChecks
from ..wire.client_hello import ClientHello, HelloError, HelloFault, HelloReader
from ..wire.empty_line import empty_line_size


class InnerHello(Struct, frozen=True, gc=False):
    """The result. `refused` is the outcome if the tunnel is refused, `hello` the ClientHello if there was one.

    `skipped` is the length of an empty line before the ClientHello. The target gets no byte of it: its TLS would fail.
    """

    check: ServerNameCheck
    refused: Outcome | None = None
    hello: ClientHello | None = None
    detail: str = ""
    skipped: int = 0


_NOT_TLS: Final = frozenset({HelloFault.NOT_TLS, HelloFault.SSLV2})


def judge_inner_hello(reader: HelloReader, received: bytes, target: Target, checks: TunnelChecks) -> InnerHello | None:
    """Judge a client's first bytes in its tunnel to `target`. Returns None while it needs more of them."""
    skipped = empty_line_size(received)
    following = received[skipped:]
    if following == b"\r":
        return None
    try:
        hello = reader.read(following)
    except HelloError as error:
        is_second = skipped and empty_line_size(following)
        detail = "it begins with more than one empty line" if is_second else str(error)
        return _judge_other_bytes(error, checks, detail, skipped)
    if hello is None:
        return None
    if not hello.server_name:
        refused = Outcome.SERVER_NAME_ABSENT if checks.require_server_name else None
        return InnerHello(ServerNameCheck.ABSENT, refused, hello, skipped=skipped)
    if hello.server_name == target.host:
        return InnerHello(ServerNameCheck.MATCH, None, hello, skipped=skipped)
    refused = Outcome.SERVER_NAME_MISMATCH if checks.match_server_name else None
    return InnerHello(ServerNameCheck.MISMATCH, refused, hello, hello.server_name, skipped)


def _judge_other_bytes(error: HelloError, checks: TunnelChecks, detail: str, skipped: int) -> InnerHello:
    """Bytes that only begin like TLS may hide a server name: they fail if anything is checked."""
    if error.fault in _NOT_TLS:
        refused = Outcome.INNER_NOT_TLS if checks.require_tls else None
        return InnerHello(ServerNameCheck.NOT_TLS, refused, detail=detail)
    refused = None if checks.none else Outcome.INNER_HELLO_MALFORMED
    return InnerHello(ServerNameCheck.MALFORMED, refused, detail=detail, skipped=skipped)


def note_hello(hello: ClientHello, record: TunnelRecord) -> None:
    """Write what a ClientHello says about its client into the record."""
    record.server_name = hello.server_name
    record.alpn = hello.alpn
    record.tls_version = hello.max_version
    record.ech = hello.ech
