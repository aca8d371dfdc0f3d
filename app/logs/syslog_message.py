"""Formats lines as syslog messages: values in, bytes out. Pure.

RFC 5424, and the older form of RFC 3164: without the host it is what syslog(3) writes to the Unix socket, where
journald, rsyslog and syslog-ng read nothing else unless they are configured to. MSG has no byte order mark (section
6.4 allows MSG-ANY): rsyslog leaves it in the text, where readers of JSON trip over it.
"""

import re
import time
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from .sink import Severity

FACILITIES: Final = {
    name: number
    for number, name in enumerate(
        ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp")
    )
} | {f"local{number}": 16 + number for number in range(8)}
"""RFC 5424 section 6.2.1, under the names of syslog.conf(5)."""

NIL: Final = "-"
_HOST_CHARACTERS: Final = 255
_APP_NAME_CHARACTERS: Final = 48
_PROCESS_ID_CHARACTERS: Final = 128
_MESSAGE_ID_CHARACTERS: Final = 32
_SD_NAME_CHARACTERS: Final = 32

_NOT_PRINTABLE: Final = re.compile(r"[^!-~]")
_NOT_SD_NAME: Final = re.compile(r'[^!-~]|[="\]]')
_SD_ESCAPED: Final = re.compile(r'(["\\\]])')
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

StructuredData = Mapping[str, Mapping[str, str]]
"""Elements by SD-ID, each with its parameters."""


class Origin(Struct, frozen=True):
    """What all messages of one log have in common. `message_id` is their kind, such as "access"."""

    facility: int
    host: str
    app_name: str
    process_id: str
    message_id: str


def rfc5424(origin: Origin, severity: Severity, at: float, text: bytes, data: StructuredData | None = None) -> bytes:
    """One message of RFC 5424. `at` is in seconds since the epoch; 0 stands for an unknown time.

    Characters that a header field or a name cannot have become `?`, and control characters of the text `#012`, their
    octal code.
    """
    fields = " ".join(
        (
            _field(origin.host, _HOST_CHARACTERS),
            _field(origin.app_name, _APP_NAME_CHARACTERS),
            _field(origin.process_id, _PROCESS_ID_CHARACTERS),
            _field(origin.message_id, _MESSAGE_ID_CHARACTERS),
            _structured(data or {}),
        )
    )
    head = f"<{_priority(origin, severity)}>1 {_timestamp(at)} {fields}".encode()
    return head + b" " + _on_one_line(text) if text else head


def rfc3164(origin: Origin, severity: Severity, at: float, text: bytes, *, with_host: bool) -> bytes:
    """One message in the older form: `<134>Nov 30 20:15:30 host licensegate[77]: text`.

    Without the host it is the form of syslog(3) for a Unix socket.
    """
    when = time.localtime(at)
    date = f"{_MONTHS[when.tm_mon - 1]} {when.tm_mday:2} {when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02}"
    host = f"{_field(origin.host, _HOST_CHARACTERS)} " if with_host else ""
    name = _field(origin.app_name, _APP_NAME_CHARACTERS)
    process_id = _field(origin.process_id, _PROCESS_ID_CHARACTERS)
    return f"<{_priority(origin, severity)}>{date} {host}{name}[{process_id}]: ".encode() + _on_one_line(text)


def cut(message: bytes, most: int) -> bytes:
    """The message in at most `most` bytes, cut between two characters of UTF-8 (RFC 5424 section 6.1)."""
    if len(message) <= most:
        return message
    while most and message[most] & 0xC0 == 0x80:
        most -= 1
    return message[:most]


def octet_counted(message: bytes) -> bytes:
    """The message as a frame for a stream: RFC 6587 section 3.4.1, RFC 5425 section 4.3."""
    return b"%d %b" % (len(message), message)


def line_framed(message: bytes) -> bytes:
    """The message as a line, for a Unix socket that is a stream: RFC 6587 section 3.4.2."""
    return message + b"\n"


def _priority(origin: Origin, severity: Severity) -> int:
    return origin.facility * 8 + severity


def _timestamp(at: float) -> str:
    """The time in UTC, to the microsecond (section 6.2.3); NIL without one."""
    if not at:
        return NIL
    micros = round(at * 1_000_000)
    whole = time.gmtime(micros // 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', whole)}.{micros % 1_000_000:06}Z"


def _field(text: str, most: int) -> str:
    return _NOT_PRINTABLE.sub("?", text[:most]) or NIL


def _structured(data: StructuredData) -> str:
    elements = []
    for name, parameters in data.items():
        pairs = "".join(f' {_sd_name(key)}="{_sd_value(value)}"' for key, value in parameters.items())
        elements.append(f"[{_sd_name(name)}{pairs}]")
    return "".join(elements) or NIL


def _sd_name(name: str) -> str:
    return _NOT_SD_NAME.sub("?", name[:_SD_NAME_CHARACTERS]) or "?"


def _sd_value(value: str) -> str:
    """Section 6.3.3. Control characters are escaped, too: a receiver would break its line there."""
    escaped = _SD_ESCAPED.sub(r"\\\1", value.encode(errors="backslashreplace").decode())
    return _on_one_line(escaped.encode()).decode()


def _on_one_line(text: bytes) -> bytes:
    """Control characters as `#` and three octal digits: section 6.4 suggests it, and rsyslog does it."""
    return _CONTROL.sub(lambda found: b"#%03o" % found[0][0], text)
