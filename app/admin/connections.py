"""Accepts the connections of the admin server, and bounds their number.

Where no place or no descriptor is left, the source with the most connections loses its oldest: an idle one, if it has
any. So neither idle clients nor slow readers keep out a health check.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final

from aiohttp import web

from licensegate.allowlist.client_block import client_block

from .connection import AdminConnection
from .spare_descriptors import SpareDescriptors

MAX_CONNECTIONS: Final = 64

_ACCEPTS_AT_ONCE: Final = 16
_BACKLOG: Final = 128  # connections the kernel queues meanwhile
_SEND_BUFFER: Final = 1 << 16  # bytes of a page that wait in the kernel for one reader
_PAUSE_SECONDS: Final = 0.5
_HANDSHAKE_SECONDS: Final = 10.0
_SHUTDOWN_SECONDS: Final = 1.0
_OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
_OUT_OF_RESOURCES: Final = _OUT_OF_DESCRIPTORS | {errno.ENOBUFS, errno.ENOMEM}

_log = logging.getLogger(__name__)


class AdminConnections:
    """The open connections of `server`, and the socket that accepts them, which may be replaced."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._listening: socket.socket | None = None
        self._tls: Callable[[], ssl.SSLContext] | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._sources: dict[AdminConnection, str] = {}  # of each open connection, the oldest first
        self._spare = SpareDescriptors()

    def __len__(self) -> int:
        return len(self._sources)

    @property
    def port(self) -> int:
        """The port of the listening socket; 0 without one."""
        return 0 if self._listening is None else int(self._listening.getsockname()[1])

    def speak_tls(self, tls: Callable[[], ssl.SSLContext] | None) -> None:
        """Encrypt new connections, each with the context that this returns; None does not."""
        changes = (tls is None) != (self._tls is None)
        self._tls = tls
        for connection in list(self._sources) if changes else ():
            if not connection.answering:
                connection.cut_off()

    def listen(self, sock: socket.socket | None) -> None:
        """Accept on this listening socket instead of the previous one, which is closed; None accepts no more."""
        if self._pause is not None:
            self._pause.cancel()
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
        self._listening = sock
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)  # accepted sockets inherit it
            sock.listen(_BACKLOG)
            self._loop.add_reader(sock, self._accept, sock)

    def close(self) -> None:
        """Stop accepting, cut off what is open, and give the spare descriptors back."""
        self.listen(None)
        for connection in self._sources:
            connection.cut_off()
        self._spare.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, address = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS and self._spare.give_up_one():
                    continue
                if error.errno in _OUT_OF_RESOURCES:
                    if not self._cut_off_one():  # otherwise a descriptor is free in a moment
                        self._wait_for_resources(listening, error)
                    return
                continue  # that client has left already (ECONNABORTED and similar errors, accept(2))
            self._begin(sock, client_block(address[0]))

    def _begin(self, sock: socket.socket, source: str) -> None:
        if len(self._sources) >= MAX_CONNECTIONS and not self._cut_off_one():
            self._spare.take_back(sock)
            return
        connection = AdminConnection(self._server, sock, self._ended)
        self._sources[connection] = source
        context = None if self._tls is None else self._tls()
        connection.begin(
            self._loop.connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=context,
                ssl_handshake_timeout=None if context is None else _HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=None if context is None else _SHUTDOWN_SECONDS,
            )
        )

    def _ended(self, connection: AdminConnection) -> None:
        self._sources.pop(connection, None)
        self._spare.take_back(connection.sock)

    def _cut_off_one(self) -> bool:
        """Cut off the oldest connection of the source that has most. Returns False if there is none to cut off."""
        connections = Counter(self._sources.values())
        most = max(connections.values(), default=0)
        candidates = [one for one, source in self._sources.items() if connections[source] == most]
        if not candidates:
            return False
        oldest = next((one for one in candidates if not one.answering), candidates[0])
        del self._sources[oldest]
        oldest.cut_off()
        return True

    def _wait_for_resources(self, listening: socket.socket, error: OSError) -> None:
        """Pause, since the loop would report a connection that cannot be accepted forever."""
        _log.error("cannot accept on the admin address: %s; trying again in %s s", error.strerror, _PAUSE_SECONDS)
        self._loop.remove_reader(listening)
        self._pause = self._loop.call_later(_PAUSE_SECONDS, self._loop.add_reader, listening, self._accept, listening)
