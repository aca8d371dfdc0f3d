"""Where a log goes: a file, a standard stream, the journal or a syslog server, as operators type it."""

import enum
import os
import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.allowlist.target import authority

from .address import read_syslog_server


class LogKind(enum.StrEnum):
    """The kinds of places. Those of syslog are the schemes of its URLs."""

    STANDARD_OUTPUT = "standard output"
    STANDARD_ERROR = "standard error"
    JOURNAL = "the journal"
    FILE = "file"
    SYSLOG_SOCKET = "syslog"
    SYSLOG_UDP = "syslog+udp"
    SYSLOG_TCP = "syslog+tcp"
    SYSLOG_TLS = "syslog+tls"


PORTS: Final = {LogKind.SYSLOG_UDP: 514, LogKind.SYSLOG_TCP: 601, LogKind.SYSLOG_TLS: 6514}
"""The ports without one in the URL: RFC 5426 section 3.3, RFC 6587's registry, RFC 5425 section 4.1."""

_STREAMS: Final = {
    "-": LogKind.STANDARD_OUTPUT,
    "stdout": LogKind.STANDARD_OUTPUT,
    "/dev/stdout": LogKind.STANDARD_OUTPUT,  # systemd's is a socket, which cannot be opened again
    "stderr": LogKind.STANDARD_ERROR,
    "/dev/stderr": LogKind.STANDARD_ERROR,
    "journal": LogKind.JOURNAL,
}
_NO_FILES: Final = frozenset({"syslog", "off", "none", "no", "false", "true", "on"})
"""What other programs take for a log, and what would silently become a file of that name."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_LOCAL: Final = "syslog:///dev/log"
_FORMS: Final = f'write "{_LOCAL}", "syslog+udp://HOST:PORT", "syslog+tcp://HOST:PORT" or "syslog+tls://HOST:PORT"'


class LogPlace(Struct, frozen=True):
    """One place for a log. `path` is an absolute path of a file or a Unix socket, `host` and `port` a syslog server."""

    kind: LogKind
    path: str = ""
    host: str = ""
    port: int = 0

    @property
    def is_syslog(self) -> bool:
        """Whether a syslog daemon takes the lines."""
        return self.kind.startswith("syslog")

    def __str__(self) -> str:
        """The place as messages and `licensegate check` name it."""
        if self.host:
            return f"{self.kind}://{authority(self.host, self.port)}"
        if self.kind is LogKind.SYSLOG_SOCKET:
            return f"{self.kind}://{self.path}"
        return self.path or self.kind.value


STANDARD_OUTPUT: Final = LogPlace(LogKind.STANDARD_OUTPUT)
STANDARD_ERROR: Final = LogPlace(LogKind.STANDARD_ERROR)


def log_file(path: str | Path) -> LogPlace:
    """The place of a log in this file, or in what stands there: a pipe or a device."""
    return LogPlace(LogKind.FILE, os.path.abspath(path))


def read_log_place(text: str, folder: Path) -> LogPlace:
    """Read the place of a log; a path is relative to `folder`.

    Raises ValueError with a message that continues after the text.
    """
    stream = _STREAMS.get(text) or _STREAMS.get(text.lower())
    if stream is not None:
        return LogPlace(stream)
    if url := _SCHEME.fullmatch(text):
        scheme, rest = url[1].lower(), url[2]
        if scheme.startswith("syslog") or rest.startswith("//"):
            return _read_url(scheme, rest)
    if text.lower() in _NO_FILES:
        raise ValueError(
            f'would be the name of a file; write "-" for standard output, "{_LOCAL}" for syslog, "/dev/null" for no '
            f'log, or "./{text}" for that file'
        )
    if not text or "\0" in text:
        raise ValueError('is not a path; write one, or "-" for standard output')
    if text.endswith("/"):
        raise ValueError("is a directory; name a file in it")
    return log_file(folder / text)


def _read_url(scheme: str, rest: str) -> LogPlace:
    """Read the URL of a syslog daemon."""
    if scheme == LogKind.SYSLOG_SOCKET:
        path = rest.removeprefix("//")
        if path.startswith("/") and "\0" not in path and not path.endswith("/"):
            return LogPlace(LogKind.SYSLOG_SOCKET, os.path.abspath(path))
        if path and not path.startswith("/"):
            raise ValueError(f'names no transport; write "syslog+udp://{path}", or syslog+tcp or syslog+tls')
        raise ValueError(f'names no socket; write "{_LOCAL}"')
    try:
        kind = LogKind(scheme)
        default = PORTS[kind]
    except (KeyError, ValueError):
        raise ValueError(f"is not the URL of a log; {_FORMS}") from None
    try:
        host, port = read_syslog_server(rest.removeprefix("//"), default)
    except ValueError as error:
        raise ValueError(f'{error}; write {kind}://HOST:PORT, like "{kind}://logs.example.net:{default}"') from None
    return LogPlace(kind, host=host, port=port)
