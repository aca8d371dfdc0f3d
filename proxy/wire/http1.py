"""Parses the head of an HTTP/1 request (RFC 9112), strictly; never a body, never a second request.

A line may end in a bare LF, and one empty line may precede the request line: RFC 9112 section 2.2 allows both, and
clients send them. A proxy that passes such a head on can be made to smuggle requests, because the next reader may
divide the bytes otherwise. The gate passes no head on and reads one per connection: there is no next reader.

Other input that parsers disagree on (folded or blank-padded fields, a bare CR, NUL, two Hosts) is rejected. The result
depends on the bytes alone, not on how they were split into segments: the shortest prefix that allows a result decides.

The patterns need no possessive quantifier: each repeats characters that cannot begin what follows, so a match takes
linear time. CPython before 3.11.5 misplaces the end of a group around a possessive quantifier.
"""

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from licensegate.records.bounded import BoundedDict
from licensegate.records.outcome import Outcome
from licensegate.records.record import HostForm
from licensegate.records.secret import Secret
from licensegate.records.text import printable, quoted, redacted, without_logins

from .empty_line import empty_line_size
from .http_token import TOKEN
from .via import VIA_BYTES

_METHODS: Final = rb"CONNECT|GET|HEAD|POST|PUT|DELETE|OPTIONS|TRACE|PATCH"

_LINE_END: Final = rb"\r?\n"
_REQUEST_LINE: Final = rb"(%b) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9.]{1,8})" % TOKEN + _LINE_END
_FIELD_LINES: Final = rb"((?:%b:[\t\x20-\x7e\x80-\xff]*%b)*)" % (TOKEN, _LINE_END)

_head: Final = re.compile(rb"(?:%b)?" % _LINE_END + _REQUEST_LINE + _FIELD_LINES + _LINE_END)
_request_line: Final = re.compile(_REQUEST_LINE)
_field_lines: Final = re.compile(_FIELD_LINES)
_token_start: Final = re.compile(TOKEN)
_host: Final = re.compile(rb"[0-9A-Za-z\-._~%!$&'()*+,;=:\[\]]*")  # uri-host [":" port], RFC 9110 section 7.2

# A faulty first line is HTTP if it names an HTTP version, or begins with a method and a path, a URL or nothing.
_http_line: Final = re.compile(rb"(?i).*HTTP/|CONNECT[ \t]|(?:%b)(?:[ \t]+(?:/|https?://)|[ \t\r]*\Z)" % _METHODS)
_control: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # in no line of HTTP or another protocol of text
_line_without_version: Final = re.compile(rb"(?i)(?!.*HTTP/)%b [\x21-\x7e\x80-\xff]+\Z" % TOKEN)

_VERSIONS: Final = {b"1.0": "1.0"} | {b"1.%d" % minor: "1.1" for minor in range(1, 10)}
"""By the version of a request, the one it is served as: a later minor version as 1.1 (RFC 9110 section 2.5)."""

_BINARY_WITHIN: Final = 64  # bytes; further on, a control character only makes the line invalid when it ends
_BEGINNING: Final = 5  # bytes that tell where the request line starts: two empty lines and one byte
_FIELD_NAMES: Final = 32  # names kept, and the characters of all of them
_FIELD_NAME_CHARACTERS: Final = 400
_LANGUAGE_BYTES: Final = 200  # of Accept-Language: a browser's list has a tenth

_KNOWN_HEADS: Final = 256
_KNOWN_BYTES: Final = 512  # of each
_NEVER_SECRET: Final = frozenset(
    b" accept accept-encoding accept-language cache-control connection content-length host pragma proxy-connection "
    b"user-agent via".split(b" ")
)
"""The fields of a head that may be remembered, and the empty name behind the last one."""


class HeadError(Exception):
    """The head is rejected, with this outcome and the detail for its sentence."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(f"{outcome.label}: {detail}")
        self.outcome = outcome
        self.detail = detail


class HeadFault(Struct, frozen=True):
    """Why the fields of a readable head are refused: the outcome, and the detail for its sentence."""

    outcome: Outcome
    detail: str


class Head(Struct, frozen=True):
    """The head of one request. `size` is its length in bytes, with an empty line in front.

    `version` is 1.0 or 1.1; a later minor version is served as 1.1.
    `fields` are the names of the first fields, as written and in order. `host_form` is None unless the method is
    CONNECT. `via` is the end of the joined Via fields; it and `user_agent` are printable and bounded. `authorization`
    has the values of the Proxy-Authorization fields. `fault`: a CONNECT has an invalid Host or a body (RFC 9110 section
    9.3.6) and must be refused, but only if its target is right: a URL in both places is one mistake.
    `accept_language` is the beginning of the joined Accept-Language fields, as sent.
    """

    method: str
    target: bytes
    version: str
    user_agent: str
    size: int
    fields: tuple[str, ...] = ()
    host_form: HostForm | None = None
    via: str = ""
    authorization: tuple[Secret, ...] = ()
    fault: HeadFault | None = None
    accept_language: bytes = b""


_known: Final[BoundedDict[bytes, Head]] = BoundedDict(_KNOWN_HEADS)
"""Heads of CONNECTs that were read before: a client sends the same one each time. None has a login in it."""


def read_head(received: bytes, limit: int, judged: int = 0) -> Head | None:
    """Return the head that `received` starts with, or None while it is incomplete.

    `judged` counts the bytes for which an earlier call returned None: their lines are not parsed again, or a head that
    arrives byte by byte would take a second. Raises HeadError as soon as the bytes cannot become an acceptable head of
    at most `limit` bytes.
    """
    known = _known.get(received)
    if known is not None and known.size <= limit:
        return known
    unsearched = max(judged - 2, 0)
    is_whole = received.find(b"\n\r\n", unsearched) >= 0 or received.find(b"\n\n", unsearched) >= 0
    found = _head.match(received) if is_whole else None
    if found is None or found.end() > limit:
        _refuse_unreadable(received, limit, judged)
        return None
    method, target, version, field_lines = found.groups()
    if version not in _VERSIONS:
        raise HeadError(Outcome.VERSION_NOT_SUPPORTED)
    fields = _read_fields(field_lines, is_connect=method == b"CONNECT")
    head = Head(
        printable(method),
        target,
        _VERSIONS[version],
        fields.user_agent,
        found.end(),
        _field_names(b" ".join(fields.names[:_FIELD_NAMES])[:_FIELD_NAME_CHARACTERS]),
        _host_form(fields.host, target) if method == b"CONNECT" else None,
        fields.via,
        tuple(fields.authorization),
        fields.fault,
        fields.accept_language,
    )
    if method == b"CONNECT" and head.size == len(received) <= _KNOWN_BYTES:
        _remember_harmless(received, head, fields.names)
    return head


def _remember_harmless(received: bytes, head: Head, names: list[bytes]) -> None:
    if head.fault is None and _NEVER_SECRET.issuperset(map(bytes.lower, names)) and redacted(received) == received:
        _known.put(received, head)


class _Fields(Struct):
    """The values taken from the fields of a head. The last name is empty; Host is taken from a CONNECT only."""

    names: list[bytes] = []
    user_agent: str = ""
    via: str = ""
    host: bytes | None = None
    authorization: list[Secret] = []
    fault: HeadFault | None = None
    accept_language: bytes = b""


def _read_fields(field_lines: bytes, *, is_connect: bool) -> _Fields:
    """Read the values that matter, and the names of all fields. Notes the first fault in those of a CONNECT."""
    fields = _Fields()
    for line in field_lines.replace(b"\r\n", b"\n").split(b"\n"):
        name, _, value = line.partition(b":")
        fields.names.append(name)
        match name.lower():
            case b"user-agent":
                fields.user_agent = without_logins(value.strip(b" \t"))
            case b"via":
                via = printable(value.strip(b" \t")[-VIA_BYTES:], VIA_BYTES)
                fields.via = ", ".join(filter(None, [fields.via, via]))[-VIA_BYTES:]
            case b"proxy-authorization":
                fields.authorization.append(Secret(value.strip(b" \t")))
            case b"host" if is_connect:
                is_second = fields.host is not None
                fields.host = value.strip(b" \t")
                fields.fault = fields.fault or _host_fault(fields.host, is_second=is_second)
            case b"accept-language":
                fields.accept_language = (fields.accept_language + b"," + value)[:_LANGUAGE_BYTES]
            case b"content-length" | b"transfer-encoding" if is_connect:
                if name.lower() == b"transfer-encoding" or value.strip(b" \t") != b"0":
                    fields.fault = fields.fault or HeadFault(Outcome.BODY_NOT_ALLOWED, quoted(line))
    return fields


@lru_cache(maxsize=256)  # a client sends the same names each time; the keys are bounded
def _field_names(joined: bytes) -> tuple[str, ...]:
    return tuple(joined.decode("ascii").split())


def _host_form(host: bytes | None, target: bytes) -> HostForm:
    if host is None:
        return HostForm.ABSENT
    if host == target:
        return HostForm.HOST_PORT
    return HostForm.HOST if host == target.rpartition(b":")[0] else HostForm.OTHER


def _host_fault(value: bytes, *, is_second: bool) -> HeadFault | None:
    if is_second:
        return HeadFault(Outcome.HOST_MALFORMED, "there are two of them")
    if not _host.fullmatch(value):
        return HeadFault(Outcome.HOST_MALFORMED, f"{quoted(value)} is not a host")
    return None


def _refuse_unreadable(received: bytes, limit: int, judged: int) -> None:
    """Raise HeadError for the first fault in `received`; return if it is only incomplete."""
    start = _request_line_start(received[: min(limit + 1, _BEGINNING)])
    line_end = received.find(b"\n", start)
    line_stop = len(received) if line_end < 0 else line_end
    _refuse_binary(received, start, max(start, judged), min(limit, line_stop, start + _BINARY_WITHIN))
    if line_end >= limit or (line_end < 0 and len(received) > limit):
        raise HeadError(Outcome.REQUEST_LINE_TOO_LONG)
    if line_end < 0:
        return
    if judged <= line_end:
        _refuse_request_line(received, start, line_end)
    _refuse_unreadable_fields(received, max(line_end, received.rfind(b"\n", 0, judged)) + 1, limit)


def _request_line_start(received: bytes) -> int:
    """Return where the request line starts, or would. Raises HeadError if the bytes there cannot begin one."""
    start = empty_line_size(received)
    if received[start:] in (b"", b"\r") or _token_start.match(received, start):
        return start
    if start and empty_line_size(received[start:]):
        raise HeadError(Outcome.HEAD_MALFORMED, "more than one empty line precedes it")
    raise HeadError(Outcome.HEAD_MALFORMED, f"its first byte is 0x{received[start]:02x}")


def _refuse_request_line(received: bytes, start: int, line_end: int) -> None:
    found = _request_line.match(received, start)
    if found is not None:
        if found[3] not in _VERSIONS:
            raise HeadError(Outcome.VERSION_NOT_SUPPORTED)
        return
    line = received[start:line_end].removesuffix(b"\r")
    if not _http_line.match(line):
        raise _other_protocol(line)
    if _line_without_version.match(line):  # HTTP/0.9
        raise HeadError(Outcome.VERSION_NOT_SUPPORTED)
    raise HeadError(Outcome.HEAD_MALFORMED, f"its first line is {quoted(line)}")


def _refuse_binary(received: bytes, start: int, unsearched: int, end: int) -> None:
    """Raise HeadError for a first line with a control character, unless it is HTTP up to there.

    Protocols like AMQP or Java's RMI send no line end, so waiting for one would only end in a timeout.
    """
    control = _control.search(received, unsearched, end)
    if control is not None and not _http_line.match(received[start : control.end()]):
        raise _other_protocol(received[start : control.end()])


def _other_protocol(line: bytes) -> HeadError:
    """The error for another protocol's first line. Shows one word: a password may follow, as in IRC, IMAP and Redis."""
    found = _token_start.match(line)
    word = found[0] if found else b""
    return HeadError(
        Outcome.NEITHER_HTTP_NOR_TLS, f"its first line {'is' if word == line else 'begins with'} {quoted(word)}"
    )


def _refuse_unreadable_fields(received: bytes, start: int, limit: int) -> None:
    if received.find(b"\n", start) >= 0:
        readable = _field_lines.match(received, start)
        stop = readable.end() if readable else start
        line_end = received.find(b"\n", stop)
        faulty = line_end >= 0 and not empty_line_size(received[stop : line_end + 1])
        if faulty and line_end < limit:
            line = received[stop:line_end].removesuffix(b"\r")
            if line[:1] in (b" ", b"\t"):
                raise HeadError(Outcome.HEAD_MALFORMED, "a header field is folded onto a second line")
            raise HeadError(Outcome.HEAD_MALFORMED, f"a header field reads {quoted(line)}")
    if len(received) > limit:
        raise HeadError(Outcome.HEAD_TOO_LARGE)
