"""What the two processes of a handover say to each other, over a pair of connected Unix sockets.

    the gate that serves                                  the new gate
                         <--  ASK                         it has read its settings and files
    SOCKETS              -->                              binds what is missing, builds everything
                         <--  READY                       it has done all that may fail
    YOURS                -->                              the one that serves has stopped accepting
                         <--  SERVING                     it accepts
    MAIN                 -->                              the service manager follows the new gate from now on
                         <--  STOP                        only if it is stopped while the old one drains

An end before SERVING is a failure: the gate that serves goes on. The new one says FAILED first, if it can.
"""

import asyncio
import socket
from collections.abc import Sequence
from enum import Enum
from typing import Final, Self

import msgspec
from msgspec import Struct

from licensegate.records.change import InForce
from licensegate.records.json_errors import JSON_ERRORS
from licensegate.records.requester import Requester
from licensegate.records.text import printable

MOST_SOCKETS: Final = 253
"""In one message: SCM_MAX_FD, unix(7)."""

_MOST_BYTES: Final = 1 << 16
_SHOWN: Final = 1000


class HandoverError(Exception):
    """The handover has failed, or it cannot begin. Says why."""


class HandoverStep(Enum):
    """What a message says."""

    ASK = "ask"
    SOCKETS = "sockets"
    READY = "ready"
    YOURS = "yours"
    SERVING = "serving"
    MAIN = "main"
    STOP = "stop"
    FAILED = "failed"


class Purpose(Enum):
    """Where a passed socket listens."""

    LISTENER = "listener"
    CONTROL = "control"


class Passed(Struct, frozen=True):
    """What is said of a passed socket: `name` and `lasting` as in PassedSocket."""

    purpose: Purpose
    name: str = ""
    lasting: bool = False


class Message(Struct, frozen=True, omit_defaults=True):
    """One message. A release ignores the fields that it does not know.

    ASK and SOCKETS have the `pid` and `release` of the process that sends them. SOCKETS has `passed`, in the order of
    the descriptors, `by` whom the handover was requested, and what is `in_force`. READY has the `used` places among
    the passed sockets and the `release`, STOP the `seconds` that the old gate may still drain, FAILED the `reason`.
    """

    step: HandoverStep
    pid: int = 0
    passed: tuple[Passed, ...] = ()
    used: tuple[int, ...] = ()
    release: str = ""
    by: tuple[Requester, ...] = ()
    in_force: InForce | None = None
    seconds: float = 0.0
    reason: str = ""


class HandoverLine:
    """One end of the pair: keeps the messages' bounds and passes descriptors (SOCK_SEQPACKET, SCM_RIGHTS, unix(7))."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock

    @classmethod
    def inherited(cls, descriptor: int) -> Self:
        """The end that this process was started with. Raises OSError."""
        sock = socket.socket(fileno=descriptor)
        sock.set_inheritable(False)
        return cls(sock)

    def send(self, message: Message, sockets: Sequence[socket.socket] = ()) -> None:
        """Send a message. Raises HandoverError if the other process has ended."""
        descriptors = [sock.fileno() for sock in sockets]
        try:
            if descriptors:
                socket.send_fds(self._sock, [msgspec.json.encode(message)], descriptors)
            else:
                self._sock.send(msgspec.json.encode(message))
        except OSError as error:
            raise HandoverError(f"the other process cannot be told: {error.strerror}") from None

    async def receive(self, *steps: HandoverStep) -> Message:
        """Wait for a message of one of these steps. Raises HandoverError for any other, and at the other's end."""
        message, sockets = await self.receive_sockets(*steps)
        for sock in sockets:
            sock.close()
        return message

    async def receive_sockets(self, *steps: HandoverStep) -> tuple[Message, list[socket.socket]]:
        """Like `receive`, with the descriptors that came with the message."""
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._sock, _MOST_BYTES, MOST_SOCKETS)
                break
            except BlockingIOError:
                await self._readable()
            except OSError as error:
                raise HandoverError(f"the other process cannot be heard: {error.strerror}") from None
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        for sock in sockets:
            sock.set_inheritable(False)
        try:
            return _expected(data, steps), sockets
        except HandoverError:
            for sock in sockets:
                sock.close()
            raise

    def close(self) -> None:
        """Close this end."""
        self._sock.close()

    async def _readable(self) -> None:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._sock, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._sock)


def line_pair() -> tuple[HandoverLine, socket.socket]:
    """Our end of a new line, and the other process's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return HandoverLine(ours), theirs


def _expected(data: bytes, steps: Sequence[HandoverStep]) -> Message:
    if not data:
        raise HandoverError(f"it ended before it said {steps[0].value!r}")
    try:
        message = msgspec.json.decode(data, type=Message)
    except JSON_ERRORS:
        raise HandoverError(
            f"it said something else than {steps[0].value!r}; are the two releases too far apart?"
        ) from None
    if message.step is HandoverStep.FAILED:
        raise HandoverError(printable(message.reason.encode(), _SHOWN) or "it failed, and does not say why")
    if message.step not in steps:
        raise HandoverError(f"it said {message.step.value!r} instead of {steps[0].value!r}")
    return message
