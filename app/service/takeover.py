"""The new gate's side of a handover (`handover_line`): it takes the sockets of the gate that serves.

Whatever fails before it serves ends this process, and the other gate goes on.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from licensegate.app.version import full_version
from licensegate.proxy.net.passed_sockets import PassedSocket, PassedSockets
from licensegate.records.change import GateProcess, InForce
from licensegate.records.requester import Requester

from .handover_line import HandoverError, HandoverLine, HandoverStep, Message, Purpose

_MAIN_SECONDS: Final = 10.0  # more than the other gate tries to tell the service manager
_AFTER_DRAIN_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


class Takeover:
    """The line to the gate that serves.

    Once `ask` has returned, `control` is its control socket, `process` itself, and `was_in_force` what it goes by, as
    far as its release tells; `by` asked for the handover.
    """

    def __init__(self, line: HandoverLine) -> None:
        self.control: socket.socket | None = None
        self.process: GateProcess | None = None
        self.was_in_force: InForce | None = None
        self.by: tuple[Requester, ...] = ()
        self._line = line
        self._passed = PassedSockets()
        self._places: list[int] = []  # of its sockets in the message
        self._control_place: tuple[int, ...] = ()
        self._watching: asyncio.Task[None] | None = None

    async def ask(self, pid: int, control: Path | None) -> PassedSockets:
        """Ask for the sockets; `control` is where this gate wants its control socket. Raises HandoverError."""
        self._line.send(Message(HandoverStep.ASK, pid=pid, release=full_version()))
        message, sockets = await self._line.receive_sockets(HandoverStep.SOCKETS)
        self.process = GateProcess(message.pid, message.release) if message.pid else None
        self.was_in_force, self.by = message.in_force, message.by
        listeners = []
        for place, (said, sock) in enumerate(zip(message.passed, sockets, strict=True)):
            if said.purpose is Purpose.LISTENER:
                listeners.append(PassedSocket(sock, said.name, said.lasting))
                self._places.append(place)
            elif control is not None and os.fsencode(sock.getsockname()) == os.fsencode(control):
                self.control, self._control_place = sock, (place,)
            else:
                sock.close()
        self._passed = PassedSockets(listeners)
        return self._passed

    async def await_turn(self) -> None:
        """Say that everything is ready, and wait until the other gate has stopped accepting. Raises HandoverError."""
        used = (*(self._places[one] for one in sorted(self._passed.used)), *self._control_place)
        self._line.send(Message(HandoverStep.READY, used=used, release=full_version()))
        await self._line.receive(HandoverStep.YOURS)

    async def confirm(self, other_ended: Callable[[], None]) -> None:
        """Say that this gate serves, and wait until the service manager follows it.

        Calls `other_ended` at the end of the other gate.
        """
        self._line.send(Message(HandoverStep.SERVING))
        with contextlib.suppress(TimeoutError, HandoverError):  # then the other gate has a fault, and this one serves
            async with asyncio.timeout(_MAIN_SECONDS):
                await self._line.receive(HandoverStep.MAIN)
        self._watching = asyncio.create_task(self._await_end(other_ended))

    def failed(self, reason: str) -> None:
        """Tell the other gate why this one does not start."""
        with contextlib.suppress(HandoverError):
            self._line.send(Message(HandoverStep.FAILED, reason=reason))

    def stop_other(self, seconds: float) -> None:
        """Let the other gate drain for no more than so long from now on: this one stops too."""
        if self._watching is not None and not self._watching.done():
            with contextlib.suppress(HandoverError):
                self._line.send(Message(HandoverStep.STOP, seconds=seconds))

    async def await_other(self) -> None:
        """Wait for the end of the other gate, which was told to stop, for a limited time."""
        if self._watching is not None:
            await asyncio.wait({self._watching}, timeout=_AFTER_DRAIN_SECONDS)
            self._watching.cancel()

    async def _await_end(self, other_ended: Callable[[], None]) -> None:
        with contextlib.suppress(HandoverError):
            await self._line.receive(HandoverStep.MAIN)
        self._line.close()
        _log.info("the gate that served before has ended")
        other_ended()
