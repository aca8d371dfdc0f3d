"""Serves the control socket: a Unix socket that takes commands for a running gate, from its own user and root only."""

import asyncio
import contextlib
import errno
import logging
import os
import pwd
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from licensegate.files.off_loop import OffLoop
from licensegate.records.json_errors import JSON_ERRORS
from licensegate.records.requester import Requester
from licensegate.records.text import printable

from .control_protocol import ControlError, Reply, Request, encoded

_MAX_PATH_BYTES: Final = 107  # sun_path, unix(7)
_MAX_LINE_BYTES: Final = 1 << 20  # the ids of more tunnels than one command line holds
_IDLE_SECONDS: Final = 30  # to send the line, and to read the reply
_LAST_REPLY_SECONDS: Final = 2
_PEER_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: SO_PEERCRED, unix(7)

_LEAVE_FILE: Final[dict[str, Any]] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
"""asyncio would remove the file, also from under another process that serves it."""

_log = logging.getLogger(__name__)


CommandHandler = Callable[[Requester, Request], Awaitable[Reply | bytes]]
"""Carries out a command. Takes the requester and the request; returns a reply, or a long answer."""

Refused = Callable[[Requester, str, str], object]
"""Takes note of a requester, the command that it may not give, and why."""


class Control:
    """Serves the socket. `refused` is called with commands of others than its owner and root. Needs a running event
    loop.
    """

    def __init__(
        self,
        handlers: Mapping[str, CommandHandler],
        refused: Refused = lambda requester, command, reason: None,
    ) -> None:
        self._handlers = handlers
        self._refused = refused
        self._names = OffLoop()
        self._path: Path | None = None
        self._files = OffLoop()
        self._server: asyncio.Task[None] | None = None
        self.sock: socket.socket | None = None
        """The listening socket; None if there is none."""
        self._answering: set[asyncio.Task[None]] = set()

    async def serve_at(self, path: Path | None, passed: socket.socket | None = None) -> None:
        """Move the socket to this path, or make it again if it was removed; None closes it.

        `passed` is a socket that listens there already. Raises ControlError; the socket then stays where it was. One on
        a mount that hangs counts as not removed.
        """
        if path == self._path and (path is None or await self._files.run_briefly(path.exists, True)):
            return
        sock = passed
        if passed is None and path is not None:
            sock = await self._files.run_briefly(partial(_bind, path), None)
        if path is not None and sock is None:
            raise ControlError(f"cannot make the control socket {path}: it takes too long; does a network mount hang?")
        if path != self._path:
            await self.close()
        elif self._server is not None:
            self._server.cancel()
        self._path, self.sock = path, sock
        self._server = None if sock is None else asyncio.create_task(self._run(sock))

    def leave(self) -> None:
        """Stop serving, but let the socket's file stand: another process serves it."""
        if self._server is not None:
            self._server.cancel()
            self._server = None
        self._path = self.sock = None

    async def close(self) -> None:
        """Remove the socket."""
        if self._server is not None:
            self._server.cancel()
            self._server = None
        if self._path is not None:
            with contextlib.suppress(OSError):  # its folder may have been removed or made read-only
                await self._files.run_briefly(self._path.unlink, None)

    async def finish(self) -> None:
        """Send the replies to what was asked, for a limited time, before the program ends."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=_LAST_REPLY_SECONDS)

    async def _run(self, sock: socket.socket) -> None:
        server = await asyncio.start_unix_server(self._serve, sock=sock, limit=_MAX_LINE_BYTES, **_LEAVE_FILE)
        try:
            await server.serve_forever()
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                line = await reader.readline()
            answering = asyncio.create_task(self._reply(line, writer))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)
            await answering
        except (OSError, TimeoutError, ValueError):
            _log.warning("a request on the control socket was aborted")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _reply(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        reply = await self.answer(line, await self._requester(writer.get_extra_info("socket")))
        async with asyncio.timeout(_IDLE_SECONDS):
            writer.write(encoded(reply))
            await writer.drain()

    async def answer(self, line: bytes, requester: Requester) -> Reply | bytes:
        """Carry out the command in this line if its sender may give it."""
        try:
            request = msgspec.json.decode(line, type=Request)
        except JSON_ERRORS:
            return Reply(False, "that is not a valid request")
        if requester.uid not in (0, os.getuid()):
            reason = f"uid {requester.uid} may not send commands: only the gate's own user and root may"
            self._refused(requester, request.command, reason)
            return Reply(False, reason)
        handler = self._handlers.get(request.command)
        if handler is None:
            return Reply(False, f"unknown command {request.command!r}; this gate knows {', '.join(self._handlers)}")
        return await handler(requester, request)

    async def _requester(self, connection: socket.socket) -> Requester:
        """The process at the other end, with the name of its user, unless finding that takes long (a directory)."""
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
        pid, uid, _ = _PEER_CREDENTIALS.unpack(credentials)
        return Requester(uid, await self._names.run_briefly(partial(_user_name, uid), ""), pid)


def _bind(path: Path) -> socket.socket:
    """A listening socket that only its owner can open. Replaces the file of a dead gate. Raises ControlError."""
    if len(os.fsencode(path)) > _MAX_PATH_BYTES:
        raise ControlError(f"the control socket's path is over {_MAX_PATH_BYTES} bytes: {path}")
    sock = socket.socket(socket.AF_UNIX)
    os.fchmod(sock.fileno(), 0o600)  # the mode that `bind` gives the file
    try:
        if path.is_socket() and not _is_served(path):
            path.unlink()
        sock.bind(os.fspath(path))
        sock.listen()
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE and path.is_socket():
            raise ControlError(f"another gate serves {path}; give each gate a state.directory of its own") from error
        raise ControlError(f"cannot make the control socket {path}: {error.strerror}") from error
    return sock


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(os.fspath(path)) == 0


def _user_name(uid: int) -> str:
    """The name of a user of this host; empty without one."""
    try:
        return printable(os.fsencode(pwd.getpwuid(uid).pw_name))
    except (KeyError, OSError):
        return ""
