"""A CONNECT to a parent proxy and its answer (RFC 9110 section 9.3.6, RFC 9112): bytes in, values out, no I/O.

An answer is read strictly and never beyond its head: what follows a 200 is the tunnel's, every byte of it.
"""

import re
from typing import Final

from msgspec import Struct

from licensegate.records.text import printable

from ...wire.tokens import TOKEN
from .challenges import Challenge, read_challenges

HEAD_BYTES: Final = 65536
"""The longest head of an answer: a Kerberos ticket with many groups in it alone takes 16 KiB."""

BODY_BYTES: Final = 262144
"""The longest body that is read past; where a parent sends more, a new connection is the quicker way."""

_LINE_BYTES: Final = 8192
"""The longest line between chunks, and all trailers together."""

_head: Final = re.compile(
    rb"HTTP/(1\.[01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*+))?\r\n((?:%b:[\t\x20-\x7e\x80-\xff]*+\r\n)*+)\r\n"
    % TOKEN
)
_chunk: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]{0,256})?\r\n")
_trailers: Final = re.compile(rb"(?:%b:[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n" % TOKEN)
_length: Final = re.compile(rb"[0-9]{1,9}")
_ended_otherwise: Final = re.compile(rb"\n\r?\n")
_SIGN: Final = b"HTTP/1."
_SAYS_WHY: Final = (b"x-squid-error", b"proxy-status")


class ConnectResponseError(Exception):
    """What a parent sent is no answer of an HTTP proxy; `str()` is a short phrase, printable."""


class ConnectResponse(Struct, frozen=True):
    """The head of an answer.

    `size` is its length in bytes. `reason` and `server` are the parent's words, printable and short: the reason phrase
    with what else it says of the cause, and what software it is. `length` is the size of the body, None where it
    ends with the connection or, with `chunked`, tells by itself. `keeps` says that the connection can be used again.
    """

    status: int
    reason: str
    server: str
    challenges: tuple[Challenge, ...]
    size: int
    length: int | None
    chunked: bool
    keeps: bool
    loop: bool

    @property
    def opens_tunnel(self) -> bool:
        """Whether what follows is the tunnel; of such an answer nothing but the status counts."""
        return 200 <= self.status < 300


def request(authority: str, via: str, credentials: str = "") -> bytes:
    """The head of a CONNECT to `authority`, a host and port. `credentials` are those of Proxy-Authorization."""
    login = f"Proxy-Authorization: {credentials}\r\n" if credentials else ""
    return (
        f"CONNECT {authority} HTTP/1.1\r\n"
        f"Host: {authority}\r\n"
        f"Via: {via}\r\n"
        "Proxy-Connection: Keep-Alive\r\n"  # means nothing (RFC 9112 appendix C.2.2), but some NTLM proxies wait for it
        f"{login}\r\n"
    ).encode("latin-1")


def read_connect_response(received: bytes) -> ConnectResponse | None:
    """The answer that `received` begins with, None while its head is incomplete; raises ConnectResponseError.

    Interim answers (RFC 9110 section 15.2) are read past; `size` counts them in.
    """
    start = 0
    while True:
        end = received.find(b"\r\n\r\n", start)
        if end < 0:
            _refuse_unlikely(received, start)
            return None
        found = _head.match(received, start)
        if found is None or found.end() != end + 4:
            raise ConnectResponseError(f"it begins with {printable(received[start:end], 60)}")
        start = found.end()
        if start > HEAD_BYTES:
            raise ConnectResponseError(f"its head is longer than {HEAD_BYTES} bytes")
        if not found[2].startswith(b"1"):
            return _answer(found)
        if found[2] == b"101":
            raise ConnectResponseError("it switches protocols, which nobody asked for")


def body_size(answer: ConnectResponse, received: bytes) -> int | None:
    """How long the body of an answer that opens no tunnel is, `received` being what came after its head.

    None while it is incomplete. Raises ConnectResponseError for one that cannot be read past.
    """
    if answer.chunked:
        return _chunked_size(received)
    if answer.length is None:
        raise ConnectResponseError("its body ends with the connection only")
    if answer.length > BODY_BYTES:
        raise ConnectResponseError(f"its body is longer than {BODY_BYTES} bytes")
    return answer.length if len(received) >= answer.length else None


def _refuse_unlikely(received: bytes, start: int) -> None:
    """What does not begin as an answer, ends in other line ends, or goes on for too long, will not become one."""
    sign = received[start : start + len(_SIGN)]
    if not _SIGN.startswith(sign) or _ended_otherwise.search(received, start):
        raise ConnectResponseError(f"it begins with {printable(received[start:], 60)}")
    if len(received) > HEAD_BYTES:
        raise ConnectResponseError(f"its head is longer than {HEAD_BYTES} bytes")


def _answer(found: re.Match[bytes]) -> ConnectResponse:
    version, status, reason, field_lines = found.groups()
    fields: dict[bytes, list[bytes]] = {}
    for line in field_lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
    lengths = set(fields.get(b"content-length", []))
    coding = b",".join(fields.get(b"transfer-encoding", [])).lower()
    length = next(iter(lengths), b"")
    plain = bool(_length.fullmatch(length)) and len(lengths) == 1 and not coding
    chunked = coding == b"chunked" and not lengths
    return ConnectResponse(
        status=int(status),
        reason=_reason(reason or b"", fields),
        server=printable(b", ".join(fields.get(b"server") or fields.get(b"via") or []), 100),
        challenges=read_challenges(fields.get(b"proxy-authenticate", [])) if status == b"407" else (),
        size=found.end(),
        length=int(length) if plain else None,
        chunked=chunked,
        keeps=(plain or chunked) and _keeps(version, fields),
        loop=b"proxy_loop_detected" in b",".join(fields.get(b"proxy-status", [])),
    )


def _reason(phrase: bytes, fields: dict[bytes, list[bytes]]) -> str:
    told = [value for name in _SAYS_WHY for value in fields.get(name, [])]
    return printable(b"; ".join(filter(None, [phrase, *told])))


def _keeps(version: bytes, fields: dict[bytes, list[bytes]]) -> bool:
    """Whether the connection stays open (RFC 9112 section 9.3); what is said of it may stand in the older field."""
    said = b",".join(fields.get(b"connection", []) + fields.get(b"proxy-connection", [])).lower()
    options = {option.strip(b" \t") for option in said.split(b",")}
    return b"close" not in options and (version == b"1.1" or b"keep-alive" in options)


def _chunked_size(received: bytes) -> int | None:
    """The size of a body in chunks, its trailers included (RFC 9112 section 7.1)."""
    at = 0
    while at <= BODY_BYTES:
        chunk = _chunk.match(received, at)
        if chunk is None:
            _wait_for_line(received, at)
            return None
        size = int(chunk[1], 16)
        at = chunk.end()
        if size == 0:
            trailers = _trailers.match(received, at)
            if trailers is not None:
                return trailers.end()
            _wait_for_line(received, at, b"\r\n\r\n")
            return None
        at += size + 2
        if at <= len(received) and received[at - 2 : at] != b"\r\n":
            raise ConnectResponseError("its body in chunks cannot be read")
    raise ConnectResponseError(f"its body is longer than {BODY_BYTES} bytes")


def _wait_for_line(received: bytes, at: int, end: bytes = b"\r\n") -> None:
    """More is to come, unless what is there was a line already or is too long to become one."""
    if received.find(end, at) >= 0 or len(received) - at > _LINE_BYTES:
        raise ConnectResponseError("its body in chunks cannot be read")
