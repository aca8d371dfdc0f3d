"""The control socket: a Unix socket on which the gate's owner, and nobody else, asks a running gate to do something.

One line of JSON each way: `{"verb": "reload"}` is answered by `{"done": true, "said": "…"}`.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

_FILE: Final = "control.sock"
_LONGEST_PATH: Final = 107  # sun_path, unix(7)
_LONGEST_LINE: Final = 4096
_SECONDS: Final = 30
_PEER_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: SO_PEERCRED, unix(7)

_log = logging.getLogger(__name__)


class ControlError(Exception):
    """No gate can be asked, or the socket cannot be made; says why and what to change."""


class Request(Struct, frozen=True):
    """What is asked for."""

    verb: str


class Reply(Struct, frozen=True):
    """Whether it was done, and a sentence for whoever asked."""

    done: bool
    said: str


Verb = Callable[[str], Reply]
"""Does it; is told who asked."""


def control_path(state_directory: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Where the socket is: in systemd's RUNTIME_DIRECTORY, else in the state directory; None if there is neither."""
    runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    folder = Path(runtime) if runtime else state_directory
    return folder / _FILE if folder else None


class Control:
    """Serves the socket where it is told to. To be used in a running event loop."""

    def __init__(self, verbs: Mapping[str, Verb]) -> None:
        self._verbs = verbs
        self._path: Path | None = None
        self._serving: asyncio.Task[None] | None = None

    def serve_at(self, path: Path | None) -> None:
        """Serve it there, and no longer where it was; None for nowhere. One that somebody removed is made again.

        Raises ControlError, and then it stays where it was.
        """
        if path == self._path and (path is None or os.path.exists(path)):
            return
        sock = None if path is None else _bind(path)
        if path != self._path:
            self.close()
        elif self._serving is not None:
            self._serving.cancel()
        self._path = path
        self._serving = None if sock is None else asyncio.create_task(self._serve_on(sock))

    def close(self) -> None:
        """Remove it."""
        if self._serving is not None:
            self._serving.cancel()
            self._serving = None
        if self._path is not None:
            with contextlib.suppress(OSError):  # its folder may be gone, or read-only by now
                self._path.unlink()

    async def _serve_on(self, sock: socket.socket) -> None:
        server = await asyncio.start_unix_server(self._serve, sock=sock, limit=_LONGEST_LINE)
        try:
            await server.serve_forever()
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                uid = _uid_of(writer.get_extra_info("socket"))
                reply = self.answer(await reader.readline(), uid)
                said = reply.said.encode(errors="backslashreplace").decode()  # a path in it may be no text
                writer.write(msgspec.json.encode(Reply(reply.done, said)) + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            _log.warning("a request on the control socket was broken off")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def answer(self, line: bytes, uid: int) -> Reply:
        """Do what the line asks for, if whoever sent it may ask."""
        if uid not in (0, os.getuid()):
            return Reply(False, f"uid {uid} may not: only the gate's own user and root may")
        try:
            request = msgspec.json.decode(line, type=Request)
        except msgspec.MsgspecError:
            return Reply(False, "that is not a request")
        verb = self._verbs.get(request.verb)
        if verb is None:
            return Reply(False, f"this gate knows {', '.join(self._verbs)}, and no {request.verb!r}")
        return verb(f"uid {uid}")


def ask(path: Path, verb: str) -> Reply:
    """Ask the gate behind this socket. Raises ControlError."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(os.fspath(path))
            connection.sendall(msgspec.json.encode(Request(verb)) + b"\n")
            with connection.makefile("rb") as answer:
                return msgspec.json.decode(answer.readline(), type=Reply)
    except msgspec.MsgspecError:
        raise ControlError(f"the gate behind {path} broke off; see its log") from None
    except OSError as error:
        why = error.strerror or error
        raise ControlError(
            f"no gate answers on {path}: {why}; is it running? One that is to change its state.directory takes SIGHUP"
        ) from error


def _bind(path: Path) -> socket.socket:
    """A socket that only its owner may connect to, in place of one that a gate left behind. Raises ControlError."""
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise ControlError(f"the control socket's path is over {_LONGEST_PATH} bytes: {path}")
    sock = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
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
    finally:
        os.umask(before)
    return sock


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(os.fspath(path)) == 0


def _uid_of(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    return int(_PEER_CREDENTIALS.unpack(credentials)[1])
