"""A syslog server by TCP that a test can stop, start again, stall and look into."""

import contextlib
import json
import re
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.sockets import spin_until
from support.upstream import closed_port

_FRAME = re.compile(rb"([1-9][0-9]*) ")


class LogServer:
    """Reads octet-counted frames (RFC 6587) on a port of 127.0.0.1 that stays the same.

    `messages` are those received so far, in the order of their arrival. With `stalled` set it reads nothing.
    With `hangs_up` it closes each connection after a message; in TLS with a close_notify if `says_so`.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.port = closed_port()
        self.messages: list[bytes] = []
        self.stalled = threading.Event()
        self.hangs_up = self.says_so = False
        self._context = context
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its place in the settings."""
        return f"syslog+{'tls' if self._context else 'tcp'}://127.0.0.1:{self.port}"

    @property
    def texts(self) -> list[str]:
        """The texts of all messages."""
        return [message.split(b" ", 7)[7].partition(b"] ")[2].decode() for message in list(self.messages)]

    def records(self, at_least: int = 0) -> list[dict[str, Any]]:
        """The JSON in the messages. Waits until there are so many."""
        spin_until(lambda: len(self.messages) >= at_least)
        return [json.loads(text) for text in self.texts]

    def start(self) -> None:
        """Listen, perhaps again."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """End as a server that dies: nothing listens, and connections are closed."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        while self._open:
            with contextlib.suppress(OSError):  # it has ended
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def await_hung_up(self) -> None:
        """Wait until the kernel has told the client that a connection was closed (CLOSE_WAIT, proc_net_tcp(5))."""

        def is_told() -> bool:
            lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
            return any(line.split()[2:4] == [f"0100007F:{self.port:04X}", "08"] for line in lines)

        spin_until(is_told)

    def _say_so(self, connection: socket.socket) -> None:
        if self.says_so and isinstance(connection, ssl.SSLSocket):
            connection.setblocking(False)
            with contextlib.suppress(ssl.SSLWantReadError):  # it does not wait for the client's
                connection.unwrap()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        stream = b""
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            while True:
                spin_until(lambda: not self.stalled.is_set())
                if not (data := connection.recv(65536)):
                    break
                stream += data
                while (head := _FRAME.match(stream)) and len(stream) >= head.end() + int(head[1]):
                    end = head.end() + int(head[1])
                    self.messages.append(stream[head.end() : end])
                    stream = stream[end:]
                    if self.hangs_up:
                        self._say_so(connection)
                        return
        except OSError:
            pass
        finally:
            connection.close()
