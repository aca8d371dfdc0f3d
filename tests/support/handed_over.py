"""A gate that is handed over to a new process, and what a process has open."""

import contextlib
import os
import re
import select
import signal
import sys
from collections import Counter
from pathlib import Path

from licensegate.app.service.control_client import ask
from licensegate.app.service.control_protocol import Reply, Request
from support.gate import Gate
from support.sockets import spin_until
from support.upstream import SECONDS

STATE = '[state]\ndirectory = "."\n'
"""Settings for a gate whose control socket is in its folder."""

_SERVES = re.compile(r"process ([0-9]+) serves now")
_NUMBERS = re.compile(r"[0-9]+")


class HandedOver(Gate):
    """A gate with STATE in its settings. After `hand_over`, `pid` and signals are those of the process that serves."""

    _successor = 0
    _before = 0

    def hand_over(
        self,
        *,
        program: str = sys.executable,
        config: str = "",
        ready_seconds: float = SECONDS,
        drain_seconds: float = 0,
    ) -> Reply:
        """Ask for a handover, over the control socket."""
        reply = ask(
            self.folder / "control.sock",
            Request(
                "handover", program=program, config=config, ready_seconds=ready_seconds, drain_seconds=drain_seconds
            ),
            2 * SECONDS,
        )
        if reply.ok:
            self.follow(reply.message)
        return reply

    def follow(self, said: str) -> None:
        """The process that a reply names serves from now on."""
        found = _SERVES.search(said)
        assert found is not None, said
        self._before, self._successor = self._successor, int(found[1])

    def ask(self, command: str) -> Reply:
        """Send a command over the control socket."""
        return ask(self.folder / "control.sock", Request(command), SECONDS)

    def await_old_end(self) -> None:
        """Wait for the end of the process that served before. Raises AssertionError if its exit status is not 0."""
        if self._before:
            await_end_of(self._before)
        assert self._process.wait(SECONDS) == 0, self._stderr_text()

    def settled(self) -> Counter[str]:
        """What the gate that serves has open, once it has opened its ledger."""
        ledger = f"{self.folder}/ledger.sqlite3-shm"
        spin_until(lambda: ledger in open_things(self.pid))
        return open_things(self.pid)

    @property
    def pid(self) -> int:
        """The process id of the gate that serves."""
        return self._successor or super().pid

    def send(self, number: signal.Signals) -> None:
        """Send the gate that serves a signal."""
        os.kill(self.pid, number)

    def await_end(self) -> None:
        """Wait for the end of all processes of the gate."""
        self.await_old_end()
        if self._successor:
            await_end_of(self._successor)
        self._reader.join(SECONDS)
        assert not self._reader.is_alive(), "somebody still has the gate's standard error"

    def __exit__(self, *problem: object) -> None:
        if problem[0] is not None:
            self._kill()
        elif alive(self.pid):
            self.stop()

    def _kill(self) -> None:
        if self._successor:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._successor, signal.SIGKILL)
        super()._kill()


def alive(pid: int) -> bool:
    """Whether this process has not ended. A zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def await_end_of(pid: int) -> None:
    """Wait for the end of a process that need not be a child. Raises AssertionError after SECONDS."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], SECONDS)[0], f"process {pid} does not end"
    finally:
        os.close(handle)


def open_things(pid: int) -> Counter[str]:
    """What a process has open, by kind: files by their paths, sockets and pipes by their number. And its threads."""
    found = Counter({"threads": len(os.listdir(f"/proc/{pid}/task"))})
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            found[target if target.startswith("/") else _NUMBERS.sub("", target)] += 1
    return found
