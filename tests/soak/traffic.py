"""Has every kind of client at work, in rounds, with scrapes, commands and reloads beside them."""

import asyncio
import signal
import time
from collections import defaultdict

from licensegate.app.service.control_client import ask_for_answer
from licensegate.app.service.control_protocol import Request
from support.admin_client import get_page
from support.gate import COMMAND, Gate

from .clients import Behaved, Kind
from .doors import Doors

PAUSE_SECONDS = 0.02
"""Between two connections of a kind: the processor is for others, too."""

_OPEN = "licensegate_connections_open"
_OPERATOR_PAUSE_SECONDS = 0.5


class Traffic:
    """The clients, what they have done so far by kind, and how often operators did something."""

    def __init__(self, doors: Doors, kinds: list[Kind]) -> None:
        self.behaved: dict[str, Behaved] = defaultdict(Behaved)
        self.reloads = 0
        self.scrapes = 0
        self._doors = doors
        self._kinds = kinds

    async def round(self, seconds: float) -> None:
        """Let every kind come again and again for so long, then wait until the gates have no connection."""
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as working:
            for kind in self._kinds:
                working.create_task(self._come(kind, until), name=kind.name)
            working.create_task(self._operate(until))
        for gate in (self._doors.gate, self._doors.branch):
            await _until_empty(gate)

    async def _come(self, kind: Kind, until: float) -> None:
        while True:
            behaved = self.behaved[kind.name]
            async with kind.door.line(behaved) as line:
                await kind.act(line, kind.name)
            if time.monotonic() >= until:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _operate(self, until: float) -> None:
        """Read metrics and tunnels, reload, and ask by the command that people type."""
        while True:
            for gate in (self._doors.gate, self._doors.branch):
                assert (await asyncio.to_thread(get_page, gate, "/metrics")).status == 200
                control = gate.folder / "control.sock"
                await asyncio.to_thread(ask_for_answer, control, Request("show", answer="tunnels"))
                gate.send(signal.SIGHUP)
            self.scrapes += 1
            self.reloads += 1
            if time.monotonic() >= until:
                break
            await asyncio.sleep(_OPERATOR_PAUSE_SECONDS)


async def type_command(gate: Gate, command: str) -> None:
    """Run `licensegate status` or another command, as people do."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, command, "--config", gate.settings, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode in (0, 1), f"licensegate {command}: {process.returncode} {said.decode()}"


async def _until_empty(gate: Gate) -> None:
    """Wait until the gate has no connection of a client."""
    async with asyncio.timeout(60):
        while f"\n{_OPEN} 0.0\n" not in (await asyncio.to_thread(get_page, gate, "/metrics")).body:
            await asyncio.sleep(0.05)
