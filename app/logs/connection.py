"""A connection to a log server, for a thread: datagrams or a stream, perhaps with TLS.

Every wait looks at `is_over` several times a second, so that a server that does not answer holds up neither a reload
nor a stop. Names are looked up at each connect.
"""

import contextlib
import errno
import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from licensegate.app.settings.log_place import LogKind, LogPlace

from .look_up import SLICE_SECONDS, LookUp
from .server_errors import GaveUpError, ServerError, TooLongError, why

_CONNECT_SECONDS: Final = 5.0
_STALLED_SECONDS: Final = 30.0
"""How long a server may take nothing before the connection counts as broken."""

_READS: Final = 16
"""How often a server is read from before a write. It has nothing to say but its end."""

_UNHEARD_SECONDS: Final = 0.3
"""How long the answer to a first datagram may take that says that nobody listens (ICMP)."""

_Result = TypeVar("_Result")


class Connection:
    """Connects to `place`, a syslog server or a Unix socket; `setting` names it in remedies.

    `context` verifies a server of TLS; the others have None.
    """

    def __init__(self, place: LogPlace, setting: str, context: ssl.SSLContext | None = None) -> None:
        self.is_stream = place.kind in (LogKind.SYSLOG_TCP, LogKind.SYSLOG_TLS)
        self._place = place
        self._setting = setting
        self._context = context
        self._sock: socket.socket | None = None
        self._look_up: LookUp | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as is known."""
        return self._sock is not None

    def open(self, is_over: Callable[[], bool]) -> None:
        """Connect. Raises ServerError."""
        until = time.monotonic() + _CONNECT_SECONDS
        try:
            if self._place.path:
                self._open_unix()
            else:
                self._open_network(until, is_over)
        except OSError as error:
            self.close()
            raise ServerError(self._why(error)) from None
        except ServerError:
            self.close()
            raise

    def close(self) -> None:
        """Close it. What the kernel has taken is still sent."""
        if self._sock is not None:
            with contextlib.suppress(OSError, ValueError):  # ValueError: the handshake has not begun
                if isinstance(self._sock, ssl.SSLSocket):
                    self._sock.unwrap()  # sends close_notify (RFC 5425 section 4.4), and does not wait for the other's
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)
            self._sock.close()
            self._sock = None

    def check(self) -> None:
        """Find out whether the server has closed the connection: a first write after that would vanish.

        Raises ServerError.
        """
        sock = self._connected
        try:
            for _ in range(_READS if self.is_stream else 0):
                if not sock.recv(4096):
                    raise ConnectionResetError(errno.ECONNRESET, "closed by the server")
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self._fail(error)

    def send_stream(self, data: bytes, is_over: Callable[[], bool], sent: Callable[[int], None]) -> None:
        """Send all of it, and call `sent` with what the kernel has taken so far. Raises ServerError."""
        rest = memoryview(data)
        while rest:
            taken = self._attempt(lambda sock: sock.send(rest), _STALLED_SECONDS, is_over)  # noqa: B023  called at once
            rest = rest[taken:]
            sent(len(data) - len(rest))

    def send_datagram(self, message: bytes, is_over: Callable[[], bool]) -> None:
        """Send one message. Raises ServerError, or TooLongError, after which the connection goes on."""
        try:
            self._attempt(lambda sock: sock.send(message), _STALLED_SECONDS, is_over)
        except _DatagramError:
            raise TooLongError from None

    def await_refusal(self, is_over: Callable[[], bool]) -> None:
        """Wait a moment for the news that nobody listens. Raises ServerError if it comes."""
        if self._place.kind is not LogKind.SYSLOG_UDP or is_over():
            return
        poll = select.poll()
        poll.register(self._connected, 0)
        poll.poll(_UNHEARD_SECONDS * 1000)
        if error := self._connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail(OSError(error, ""))

    @property
    def _connected(self) -> socket.socket:
        """The socket, while it is connected."""
        if self._sock is None:
            raise ServerError("it is not connected")
        return self._sock

    def _open_unix(self) -> None:
        """Connect to a socket for datagrams, or to one that is a stream."""
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            self._sock = socket.socket(socket.AF_UNIX, kind)
            self._sock.setblocking(False)
            try:
                self._sock.connect(self._place.path)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE or kind is socket.SOCK_STREAM:
                    raise
                self._sock.close()
                continue
            self.is_stream = kind is socket.SOCK_STREAM
            return

    def _open_network(self, until: float, is_over: Callable[[], bool]) -> None:
        if self._look_up is None:
            kind = socket.SOCK_DGRAM if self._place.kind is LogKind.SYSLOG_UDP else socket.SOCK_STREAM
            self._look_up = LookUp(self._place.host, self._place.port, kind)
        try:
            addresses = self._look_up.result(until, is_over)
        finally:
            if self._look_up.is_done:
                self._look_up = None
        failed: OSError | None = None
        for family, kind, address in addresses:
            self._sock = socket.socket(family, kind)
            self._sock.setblocking(False)
            try:
                with contextlib.suppress(BlockingIOError):
                    self._sock.connect(address)
                self._await(self._sock, select.POLLOUT, until, is_over)
                if error := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(error, "")
            except OSError as error:
                self._sock.close()
                self._sock, failed = None, error
                continue
            break
        if self._sock is None:
            raise failed or OSError(errno.EADDRNOTAVAIL, "")
        if self.is_stream:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._context is not None:
            self._start_tls(self._context, until, is_over)

    def _start_tls(self, context: ssl.SSLContext, until: float, is_over: Callable[[], bool]) -> None:
        tls = context.wrap_socket(self._connected, server_hostname=self._place.host, do_handshake_on_connect=False)
        self._sock = tls
        self._attempt(lambda sock: tls.do_handshake(), until - time.monotonic(), is_over)

    def _attempt(
        self, work: Callable[[socket.socket], _Result], seconds: float, is_over: Callable[[], bool]
    ) -> _Result:
        """Do the work as soon as the socket is ready for it. Raises ServerError."""
        until = time.monotonic() + seconds
        while True:
            try:
                return work(self._connected)
            except (BlockingIOError, ssl.SSLWantWriteError):
                events = select.POLLOUT
            except ssl.SSLWantReadError:
                events = select.POLLIN
            except OSError as error:
                if error.errno == errno.EMSGSIZE:
                    raise _DatagramError("the message is too long") from None
                if error.errno != errno.ENOBUFS:
                    # The answer to a datagram (ICMP) is the error of the next call.
                    self._fail(error, lost_one=self._place.kind is LogKind.SYSLOG_UDP)
                time.sleep(SLICE_SECONDS)
                events = select.POLLOUT
            try:
                self._await(self._connected, events, until, is_over)
            except TimeoutError as error:
                self._fail(error)

    @staticmethod
    def _await(sock: socket.socket, events: int, until: float, is_over: Callable[[], bool]) -> None:
        """Wait until the socket is ready. Raises TimeoutError, or GaveUpError."""
        poll = select.poll()
        poll.register(sock, events)
        while not poll.poll(SLICE_SECONDS * 1000):
            if is_over():
                raise GaveUpError("it does not answer")
            if time.monotonic() > until:
                raise TimeoutError

    def _fail(self, error: OSError, *, lost_one: bool = False) -> NoReturn:
        """Close the connection, which has failed. Raises ServerError."""
        self.close()
        raise ServerError(self._why(error), lost_one=lost_one) from None

    def _why(self, error: OSError) -> str:
        return why(error, self._place, self._setting, tls=self._context is not None)


class _DatagramError(ServerError):
    """The system takes no datagram of this length."""
