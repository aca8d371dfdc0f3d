"""Opens the place of a log."""

import errno
import os
import socket
import ssl
import stat
from collections.abc import Callable
from typing import Final

from licensegate.app.settings import LogKind, LogPlace, Syslog
from licensegate.app.terminal import STANDARD_ERROR, STANDARD_OUTPUT
from licensegate.records.change import LONGEST_LINE

from .connection import Connection
from .file_sink import FileSink
from .journal_entry import JOURNAL_SOCKET, journal_entry
from .server_sink import ServerSink
from .sink import LogLine, LogSink
from .syslog_message import FACILITIES, Origin, cut, line_framed, octet_counted, rfc3164, rfc5424

MOST_BYTES: Final = 8192
"""The longest syslog message: rsyslog takes no longer one by default (`maxMessageSize`)."""

_HEADER_BYTES: Final = 1024
"""More than those of a syslog message: RFC 5424 section 6."""

_LARGEST_SEQUENCE: Final = 2_147_483_647  # RFC 5424 section 7.3.1
_PACKAGED: Final = "; the packaged unit makes /var/log/licensegate for it"


Encode = Callable[[LogLine], tuple[bytes, bool]]
"""Makes the message of a line, and says whether it had to be shortened."""


class LogPlaceError(Exception):
    """A log cannot be opened. Names the place, the reason and the setting."""


class NoReaderError(LogPlaceError):
    """A log is a pipe without a reader, which may start later."""


def open_sink(place: LogPlace, setting: str, syslog: Syslog) -> LogSink:
    """Open the place of a log that `setting` names, such as "log.access". Raises LogPlaceError.

    Waits if a file is on a mount that hangs. A server is not waited for: the sink connects when it is written to.
    """
    match place.kind:
        case LogKind.STANDARD_OUTPUT:
            return FileSink(STANDARD_OUTPUT, str(place))
        case LogKind.STANDARD_ERROR:
            return FileSink(STANDARD_ERROR, str(place))
        case LogKind.FILE:
            return FileSink(_open_file(place.path, setting), place.path)
    origin = Origin(
        FACILITIES[syslog.facility],
        socket.gethostname(),
        syslog.app_name,
        str(os.getpid()),
        setting.removeprefix("log."),
    )
    connection = open_server(place, setting, syslog)
    if place.kind is LogKind.JOURNAL:
        return ServerSink(connection, lambda line: (journal_entry(origin, line.severity, line.text), False))
    is_local = place.kind is LogKind.SYSLOG_SOCKET
    as_bsd = syslog.format == "rfc3164" or (syslog.format == "auto" and is_local)
    encode = _bsd_encoder(origin, with_host=not is_local) if as_bsd else _encoder(origin)
    return ServerSink(connection, encode, line_framed if is_local else octet_counted)


def longest_line(sink: LogSink | None) -> int:
    """The bytes of the longest line that arrives there whole. A syslog message has a header, too."""
    return LONGEST_LINE if sink is None or isinstance(sink, FileSink) else MOST_BYTES - _HEADER_BYTES


def open_server(place: LogPlace, setting: str, syslog: Syslog) -> Connection:
    """The connection to the journal or a syslog server, not yet open.

    Raises LogPlaceError if the files for TLS cannot be used.
    """
    if place.kind is LogKind.JOURNAL:
        return Connection(LogPlace(LogKind.SYSLOG_SOCKET, JOURNAL_SOCKET), setting)
    return Connection(place, setting, _tls_context(syslog, setting) if place.kind is LogKind.SYSLOG_TLS else None)


def _encoder(origin: Origin) -> Encode:
    """Messages of RFC 5424 with the number of each, so that a receiver sees what is missing (section 7.3.1)."""
    sequence = 0

    def encode(line: LogLine) -> tuple[bytes, bool]:
        nonlocal sequence
        sequence = sequence % _LARGEST_SEQUENCE + 1
        data = {"meta": {"sequenceId": str(sequence)}}
        message = rfc5424(origin, line.severity, line.time, line.text, data)
        return cut(message, MOST_BYTES), len(message) > MOST_BYTES

    return encode


def _bsd_encoder(origin: Origin, *, with_host: bool) -> Encode:
    def encode(line: LogLine) -> tuple[bytes, bool]:
        message = rfc3164(origin, line.severity, line.time, line.text, with_host=with_host)
        return cut(message, MOST_BYTES), len(message) > MOST_BYTES

    return encode


def _tls_context(syslog: Syslog, setting: str) -> ssl.SSLContext:
    """Verifies a server by `log.syslog_ca` or the system's authorities (RFC 5425 section 5). Raises LogPlaceError."""
    try:
        context = ssl.create_default_context(cafile=syslog.ca)
    except (OSError, ssl.SSLError) as error:
        raise LogPlaceError(f"log.syslog_ca: {syslog.ca} cannot be used: {_reason(error)}; name a PEM file") from error
    if syslog.certificate is not None:
        try:
            context.load_cert_chain(syslog.certificate, syslog.key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise LogPlaceError(
                f"log.syslog_certificate: {syslog.certificate} cannot be used with {syslog.key}: {_reason(error)}; "
                f"name a certificate and its key in PEM form, or leave both out if the server of {setting} wants none"
            ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)


def _open_file(path: str, setting: str) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe would wait for its reader
    try:
        opened = os.open(path, flags, 0o640)
    except OSError as error:
        kind = NoReaderError if error.errno == errno.ENXIO and _is_pipe(path) else LogPlaceError
        raise kind(f"{setting}: cannot write {path}: {_remedy(path, error)}") from error
    os.set_blocking(opened, True)
    return opened


def _is_pipe(path: str) -> bool:
    return stat.S_ISFIFO(os.stat(path).st_mode)


def _remedy(path: str, error: OSError) -> str:
    """Why the file cannot be opened, and what to change."""
    folder = os.path.dirname(os.path.realpath(path))
    match error.errno:
        case errno.ENXIO if _is_pipe(path):
            return "this pipe has no reader; start the reader first"
        case errno.ENXIO:
            return f"it is a socket; name a file, or syslog://{path} if a syslog daemon listens there"
        case errno.ENOENT:
            return f"there is no folder {folder}; make it for the gate's user{_PACKAGED}"
        case errno.ENOTDIR:
            return f"{folder} is not a folder; name a file in one"
        case errno.EACCES | errno.EPERM | errno.EROFS if os.path.exists(path):
            return f"{error.strerror}; let the gate's user write to it"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{error.strerror}; let the gate's user write in {folder}{_PACKAGED}"
        case errno.EISDIR:
            return "it is a folder; name a file in it"
        case _:
            return error.strerror or str(error)
