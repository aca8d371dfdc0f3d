"""One connection to the admin server."""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiohttp import web

from .responses import sentence

_KEEPALIVE_SECONDS: Final = 75  # a scrape interval of a minute keeps its connection
_LINGER_SECONDS: Final = 2.0  # for the rest of a form that is refused
_STALL_SECONDS: Final = 10.0
"""How long a reader may leave waiting bytes untouched, in seconds."""

_RESET: Final = struct.pack("ii", 1, 0)  # struct linger, socket(7)

_log: Final = logging.getLogger(__name__)
_log.disabled = True  # aiohttp logs a traceback for each malformed request; faults in a page are logged by `server`


class AdminConnection(web.RequestHandler):
    """Cuts off a reader that has stalled. Calls `ended` when the connection is gone, before its socket is closed.

    `answering`: a request is being answered. A malformed request gets the server's own fields, without aiohttp's name.
    """

    __slots__ = ("_beginning", "_ended", "_stall", "_wire", "answering", "sock")

    def __init__(self, server: web.Server, sock: socket.socket, ended: Callable[["AdminConnection"], None]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            access_log=_log,
            logger=_log,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGER_SECONDS,
        )
        self.sock = sock
        self.answering = False
        self._ended = ended
        self._beginning: asyncio.Task[object] | None = None
        self._wire: asyncio.Transport | None = None  # aiohttp forgets its own before the last byte is sent
        self._stall: asyncio.TimerHandle | None = None

    def begin(self, beginning: Coroutine[Any, Any, object]) -> None:
        """Wait for the transport, and over TLS for the handshake. One that fails has ended the connection."""
        self._beginning = asyncio.get_running_loop().create_task(beginning)
        self._beginning.add_done_callback(self._begun)

    def _begun(self, beginning: "asyncio.Task[object]") -> None:
        self._beginning = None
        if beginning.cancelled() or beginning.exception() is not None:
            self._ended(self)

    def cut_off(self) -> None:
        """End the connection at once. If its reader is behind, reset it: the kernel then drops its bytes."""
        if self._wire is None:
            if self._beginning is not None:
                self._beginning.cancel()
            return
        if self.writing_paused and self.sock.fileno() >= 0:  # TLS may have closed it already
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._wire.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read."""
        if isinstance(transport, asyncio.Transport):
            transport.set_write_buffer_limits(high=0)  # so that writing pauses until the kernel has everything
            self._wire = transport
        super().connection_made(transport)

    def pause_writing(self) -> None:
        """The kernel takes no more: the reader is behind."""
        super().pause_writing()
        self._stall = asyncio.get_running_loop().call_later(_STALL_SECONDS, self.cut_off)

    def resume_writing(self) -> None:
        """The kernel has taken everything."""
        self._end_stall()
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone."""
        self._end_stall()
        super().connection_lost(exc)
        self._ended(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The response to a malformed request."""
        super().handle_error(request, status, exc, message)
        response = sentence(status, "This is not a valid HTTP/1 request.")
        response.force_close()
        return response

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
