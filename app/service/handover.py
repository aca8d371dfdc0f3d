"""Hands the gate over to a new process, or goes on serving as if nothing had happened.

The serving gate's side of `handover_line`. The listening sockets themselves change hands, so no client is refused and
none that waits in a queue is lost. Who owns what when: docs/decisions/0022-handover.md.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from licensegate.records.change import ChangeKind, GateProcess
from licensegate.records.requester import Requester

from .components import Components
from .control import Control
from .control_protocol import ControlError, Reply, Request, draining_path
from .handover_line import MOST_SOCKETS, HandoverError, HandoverLine, HandoverStep, Message, Passed, Purpose
from .successor import Successor, check_replaceable, start_successor
from .systemd import notify_main_process
from .takeover import Takeover

_SERVING_SECONDS: Final = 5.0
"""How long clients may wait between two gates, before the old one accepts again."""

_log = logging.getLogger(__name__)


class Handover:
    """Hands over on request. `done` is set once another process serves: then this one drains for `drain_seconds`.

    `config` is the settings file that this gate was started with, if it was named; once `done`, the one that the other
    process was started with. `requester` asked for that.
    """

    def __init__(self, components: Components, control: Control, config: Path | None) -> None:
        self.done = asyncio.Event()
        self.drain_seconds = 0.0
        self._components = components
        self._control = control
        self.config = config
        self.requester = Requester()
        self._line: HandoverLine | None = None
        self._running: asyncio.Task[Reply] | None = None
        self._stopping = False
        self._other: GateProcess | None = None  # the new process, once it has said who it is

    async def hand_over(self, requester: Requester, request: Request) -> Reply:
        """Start a new gate as requested, and hand over to it. If that fails, nothing has changed."""
        if self._stopping or self.done.is_set():
            return self._refuse(requester, "the gate is stopping")
        self._running = asyncio.ensure_future(self._hand_over(requester, request))
        try:
            return await self._running
        except asyncio.CancelledError:
            return self._refuse(requester, "the gate is stopping")
        finally:
            self._running = None

    async def stop(self) -> None:
        """End a handover that has not come to its end, and begin no other."""
        self._stopping = True
        if self._running is not None and not self.done.is_set():
            self._running.cancel()
            await asyncio.wait({self._running})

    async def cut_short(self, takeover: Takeover | None) -> None:
        """Wait until the new gate is stopped, and then as long as it drains itself. For ever without a new gate.

        `takeover` leads to the gate before this one, which is told, too.
        """
        if self._line is not None:
            try:
                told = await self._line.receive(HandoverStep.STOP)
            except HandoverError:
                _log.warning("the gate that took over has ended; the open tunnels of this one go on")
            else:
                if takeover is not None:
                    takeover.stop_other(told.seconds)
                await asyncio.sleep(told.seconds)
                return
        await asyncio.Event().wait()

    async def _hand_over(self, requester: Requester, request: Request) -> Reply:
        try:
            check_replaceable()
        except HandoverError as error:
            return self._refuse(requester, str(error))
        _log.info("handover requested by %s, to %s", requester, request.program)
        successor: Successor | None = None
        self._other = None
        try:
            config = Path(request.config) if request.config else self.config
            async with asyncio.timeout(request.ready_seconds):
                successor = await start_successor(request.program, config, os.environ)
                passed = self._passed()
                other, used = await self._prepare(successor.line, passed, requester)
                taken = [one for place, one in enumerate(passed) if place in used]
            await self._commit(successor.line, other.pid)
        except HandoverError as error:
            reason = str(error)
        except TimeoutError:
            reason = f"it was not ready within {request.ready_seconds:g} s"
        except BaseException:
            if successor is not None:
                successor.end()
            raise
        else:
            self.drain_seconds = request.drain_seconds
            self.config, self.requester = config, requester
            self._leave(successor.line, other.pid, taken)
            return self._report(requester, other)
        if successor is not None:
            successor.end()
        return self._refuse(requester, f"the new gate does not start: {reason}")

    def _passed(self) -> list[tuple[Passed, socket.socket]]:
        """What is handed over. No reload changes it meanwhile."""
        passed = [
            (Passed(Purpose.LISTENER, one.name, one.lasting), one.sock) for one in self._components.passable_sockets()
        ]
        if self._control.sock is not None:
            passed.append((Passed(Purpose.CONTROL), self._control.sock))
        if len(passed) > MOST_SOCKETS:
            raise HandoverError(f"{len(passed)} sockets cannot be handed over, only {MOST_SOCKETS}; restart the gate")
        return passed

    async def _prepare(
        self, line: HandoverLine, passed: Sequence[tuple[Passed, socket.socket]], requester: Requester
    ) -> tuple[GateProcess, tuple[int, ...]]:
        """Pass the sockets, and wait until the new gate is ready. Returns its process, and which of them it uses."""
        asked = await line.receive(HandoverStep.ASK)
        self._other = GateProcess(asked.pid, asked.release)
        said, sockets = zip(*passed, strict=True)
        own, now = self._components.changes.process, self._components.in_force
        passing = Message(HandoverStep.SOCKETS, own.pid, said, release=own.version, by=(requester,), in_force=now)
        line.send(passing, sockets)
        ready = await line.receive(HandoverStep.READY)
        self._other = GateProcess(asked.pid, ready.release)
        return self._other, ready.used

    async def _commit(self, line: HandoverLine, pid: int) -> None:
        """Stop accepting, and wait until the new gate accepts and the service follows it. Otherwise accept again."""
        gate = self._components.gate
        gate.pause_accepting()
        try:
            line.send(Message(HandoverStep.YOURS))
            async with asyncio.timeout(_SERVING_SECONDS):
                await line.receive(HandoverStep.SERVING)
            await notify_main_process(os.environ, pid)
        except BaseException as error:
            gate.resume_accepting()
            if isinstance(error, TimeoutError):
                raise HandoverError(f"process {pid} was ready, and then did not serve in time") from None
            if isinstance(error, OSError):
                raise HandoverError(f"the service manager cannot be told: {error.strerror}") from None
            raise

    def _leave(self, line: HandoverLine, pid: int, taken: Sequence[tuple[Passed, socket.socket]]) -> None:
        """Stop accepting for good: process `pid` serves on the sockets that it has `taken`."""
        self._line = line
        try:
            line.send(Message(HandoverStep.MAIN))
        except HandoverError as error:
            _log.error("process %d took over, and then: %s", pid, error)
        self._components.leave_to(pid, [sock for said, sock in taken if said.purpose is Purpose.LISTENER])
        if any(said.purpose is Purpose.CONTROL for said, _ in taken):
            self._control.leave()
        self.done.set()

    async def serve_draining(self, control: Path | None) -> None:
        """Serve commands for the tunnels that drain beside the socket `control` of the gate that took over."""
        if control is None:
            return
        try:
            await self._control.serve_at(draining_path(control, os.getpid()))
        except ControlError as error:
            _log.error("%s; no command reaches the tunnels that drain", error)

    def _report(self, requester: Requester, other: GateProcess) -> Reply:
        message = (
            f"process {other.pid} serves now, LicenseGate {other.version}; process {os.getpid()} drains its "
            f"{len(self._components.gate.connections)} open connections for up to {self.drain_seconds:g} s"
        )
        self._components.changes.write(
            ChangeKind.HANDOVER,
            requester,
            what=message,
            before=self._components.in_force,
            other=other,
        )
        return Reply(True, message)

    def _refuse(self, requester: Requester, reason: str) -> Reply:
        if not self._stopping and not self.done.is_set():
            reason = f"{reason}; the gate goes on serving as before"
        now = self._components.in_force
        self._components.changes.write(
            ChangeKind.HANDOVER, requester, what=reason, ok=False, before=now, after=now, other=self._other
        )
        return Reply(False, f"refused: {reason}")
