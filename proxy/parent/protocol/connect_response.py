"""A CONNECT to a parent proxy and its response (RFC 9110 section 9.3.6, RFC 9112): bytes in, values out, no I/O.

A response is read strictly and never beyond its head: every byte after a 200 belongs to the tunnel. The lines of a head
may end in a bare LF (RFC 9112 section 2.2); a body in chunks may not, and is then not skipped: the next request takes a
new connection.
"""

import re
from typing import Final

from msgspec import Struct

from licensegate.records.text import printable, without_logins

from ...wire.http_token import TOKEN
from .challenges import Challenge, read_challenges

HEAD_BYTES: Final = 65536
"""The longest head: one Kerberos ticket with many groups takes 16 KiB."""

BODY_BYTES: Final = 262144
"""The longest body to skip; beyond that, a new connection is quicker."""

_LINE_BYTES: Final = 8192
"""The longest chunk line, and the longest trailer section."""

_head: Final = re.compile(
    rb"HTTP/(1\.[0-9]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r?\n((?:%b:[\t\x20-\x7e\x80-\xff]*\r?\n)*)\r?\n"
    % TOKEN
)
_chunk: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]{0,256})?\r\n")
_trailers: Final = re.compile(rb"(?:%b:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n" % TOKEN)
_authority: Final = re.compile(rb"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)")
_port: Final = re.compile(rb":[0-9]*\Z")
_length: Final = re.compile(rb"[0-9]{1,9}")
_VERSION_START: Final = b"HTTP/1."
_CAUSE_FIELDS: Final = (b"x-squid-error", b"proxy-status")


class ConnectResponseError(Exception):
    """The parent did not send an HTTP response. The message is short and printable."""


class ConnectResponse(Struct, frozen=True):
    """The head of a response.

    `size` is its length in bytes. `reason` is the reason phrase with the cause from other fields, `server` the
    parent's software; both are printable and short, and dots stand for a login that the parent repeats. `length` is
    the size of the body, None if it is `chunked` or ends with the connection. `keeps_alive` means that the connection
    takes another request after the body. `loop_detected` means that a proxy saw this request twice. `location` is the
    host that a redirection leads to.
    """

    status: int
    reason: str
    server: str
    challenges: tuple[Challenge, ...]
    size: int
    length: int | None
    chunked: bool
    keeps_alive: bool
    loop_detected: bool
    location: str

    @property
    def opens_tunnel(self) -> bool:
        """Whether the tunnel follows the head. Such a response has no body, whatever its fields say."""
        return 200 <= self.status < 300


def connect_request(authority: str, via: str, user_agent: str, credentials: str = "") -> bytes:
    """A CONNECT to `authority`, a host and port. `credentials` is the value of Proxy-Authorization."""
    login = f"Proxy-Authorization: {credentials}\r\n" if credentials else ""
    return (
        f"CONNECT {authority} HTTP/1.1\r\n"
        f"Host: {authority}\r\n"
        f"User-Agent: {user_agent}\r\n"
        f"Via: {via}\r\n"
        "Proxy-Connection: Keep-Alive\r\n"  # obsolete (RFC 9112 appendix C.2.2), but some NTLM proxies need it
        f"{login}\r\n"
    ).encode("latin-1")


def read_connect_response(received: bytes) -> ConnectResponse | None:
    """The response at the start of `received`, or None while its head is incomplete. Raises ConnectResponseError.

    Interim responses (RFC 9110 section 15.2) are skipped and counted in `size`.
    """
    start = 0
    while True:
        end = _head_end(received, start)
        if not end:
            _check_start(received, start)
            return None
        found = _head.match(received, start)
        if found is None or found.end() != end:
            raise ConnectResponseError(f"it begins with {without_logins(received[start:end], 60)}")
        start = found.end()
        if start > HEAD_BYTES:
            raise ConnectResponseError(f"its head is longer than {HEAD_BYTES} bytes")
        if not found[2].startswith(b"1"):
            return _response(found)
        if found[2] == b"101":
            raise ConnectResponseError("it switches protocols, which the gate did not ask for")


def body_size(response: ConnectResponse, received: bytes) -> int | None:
    """The size of a response's body, or None while incomplete. `received` is what came after the head.

    Raises ConnectResponseError for a body that cannot be skipped.
    """
    if response.chunked:
        return _chunked_size(received)
    if response.length is None:
        raise ConnectResponseError("only the end of the connection ends its body")
    if response.length > BODY_BYTES:
        raise ConnectResponseError(f"its body is longer than {BODY_BYTES} bytes")
    return response.length if len(received) >= response.length else None


def _head_end(received: bytes, start: int) -> int:
    """Return where the first empty line behind `start` ends, or 0 while there is none."""
    ends = [at + len(line) for line in (b"\n\r\n", b"\n\n") if (at := received.find(line, start)) >= 0]
    return min(ends, default=0)


def _check_start(received: bytes, start: int) -> None:
    """Refuse an incomplete head early: wrong first bytes, or too long. Raises ConnectResponseError."""
    if not _VERSION_START.startswith(received[start : start + len(_VERSION_START)]):
        raise ConnectResponseError(f"it begins with {without_logins(received[start:], 60)}")
    if len(received) > HEAD_BYTES:
        raise ConnectResponseError(f"its head is longer than {HEAD_BYTES} bytes")


def _response(found: re.Match[bytes]) -> ConnectResponse:
    version, status, reason, field_lines = found.groups()
    fields: dict[bytes, list[bytes]] = {}
    for line in field_lines.split(b"\n")[:-1]:
        name, _, value = line.removesuffix(b"\r").partition(b":")
        fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
    lengths = set(fields.get(b"content-length", []))
    coding = b",".join(fields.get(b"transfer-encoding", [])).lower()
    length = next(iter(lengths), b"")
    plain = bool(_length.fullmatch(length)) and len(lengths) == 1 and not coding
    chunked = coding == b"chunked" and not lengths
    return ConnectResponse(
        status=int(status),
        reason=_reason(reason or b"", fields),
        server=without_logins(b", ".join(fields.get(b"server") or fields.get(b"via") or []), 100),
        challenges=read_challenges(_challenge_values(status, fields)),
        size=found.end(),
        length=int(length) if plain else None,
        chunked=chunked,
        keeps_alive=(plain or chunked) and _keeps_alive(version, fields),
        loop_detected=b"proxy_loop_detected" in b",".join(fields.get(b"proxy-status", [])),
        location=_host_of(fields.get(b"location", [b""])[0]) if status.startswith(b"3") else "",
    )


def _host_of(url: bytes) -> str:
    """Return the host of a URL, without a login and without a port; empty for a path."""
    found = _authority.match(url)
    host = found[1].rpartition(b"@")[2] if found else b""
    return printable(_port.sub(b"", host), 100)


def _challenge_values(status: bytes, fields: dict[bytes, list[bytes]]) -> list[bytes]:
    """The values of a 407's challenges, or of a 401 in its place, which may have the field of either."""
    if status not in (b"401", b"407"):
        return []
    return fields.get(b"proxy-authenticate") or (fields.get(b"www-authenticate", []) if status == b"401" else [])


def _reason(phrase: bytes, fields: dict[bytes, list[bytes]]) -> str:
    causes = [value for name in _CAUSE_FIELDS for value in fields.get(name, [])]
    return without_logins(b"; ".join(filter(None, [phrase, *causes])))


def _keeps_alive(version: bytes, fields: dict[bytes, list[bytes]]) -> bool:
    """Whether the connection stays open (RFC 9112 section 9.3); Proxy-Connection is the older field for it."""
    listed = b",".join(fields.get(b"connection", []) + fields.get(b"proxy-connection", [])).lower()
    options = {option.strip(b" \t") for option in listed.split(b",")}
    return b"close" not in options and (version != b"1.0" or b"keep-alive" in options)


def _chunked_size(received: bytes) -> int | None:
    """The size of a chunked body with its trailers (RFC 9112 section 7.1), or None while incomplete."""
    at = 0
    while at <= BODY_BYTES:
        chunk = _chunk.match(received, at)
        if chunk is None:
            _check_incomplete(received, at)
            return None
        size = int(chunk[1], 16)
        at = chunk.end()
        if size == 0:
            trailers = _trailers.match(received, at)
            if trailers is not None:
                return trailers.end()
            _check_incomplete(received, at, b"\r\n\r\n")
            return None
        at += size + 2
        if at <= len(received) and received[at - 2 : at] != b"\r\n":
            raise ConnectResponseError("its chunked body cannot be read")
    raise ConnectResponseError(f"its body is longer than {BODY_BYTES} bytes")


def _check_incomplete(received: bytes, at: int, end: bytes = b"\r\n") -> None:
    """Refuse a line that is complete but invalid, or too long. Raises ConnectResponseError."""
    if received.find(end, at) >= 0 or len(received) - at > _LINE_BYTES:
        raise ConnectResponseError("its chunked body cannot be read")
