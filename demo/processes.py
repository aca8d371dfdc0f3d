"""The demo's processes and the folder that they share: all of it ends with the demo, even if the demo is killed.

Each process has a session of its own, so a Ctrl-C on the terminal reaches the demo alone, which then ends them.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self, TypeVar

from msgspec import Struct

from .stop_signals import StopSignals

PYTHON: Final = (sys.executable, "-P", "-m")
"""Runs a module, and does not look for it in the working directory."""

_LEFT_OUT: Final = ("LICENSEGATE", "NOTIFY_SOCKET", "WATCHDOG_", "STATE_DIRECTORY", "RUNTIME_DIRECTORY")
"""Beginnings of the variables that set up this host's own gate; the demo's has a settings file alone."""

_STEP: Final = 0.02
_SECONDS: Final = 60.0
"""For a process to be ready: a loaded machine starts Python late."""

_LONGEST: Final = 60
"""Bytes: what the gate puts below, its control socket, may have 107 (unix(7))."""
_SHORT: Final = "/tmp"  # noqa: S108 - the folder made in it is private

T = TypeVar("T")


class DemoError(Exception):
    """The demo cannot go on. `str()` says why."""


class Process(Struct, frozen=True):
    """A process: its name, the file with its output, and whether it `stays` until the end of the demo."""

    name: str
    handle: "subprocess.Popen[bytes]"
    output: Path
    stays: bool

    def has_ended(self) -> bool:
        """Whether it has ended by itself. Its number is not given to another one until it is waited for."""
        return os.waitid(os.P_PID, self.handle.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def last_line(self) -> str:
        """The last line of its output."""
        lines = self.output.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"


def new_folder(parent: str) -> Path:
    """Make a folder for this user alone, in `parent` unless a path in it is too long for a socket."""
    parent = parent if len(os.fsencode(parent)) <= _LONGEST else _SHORT
    return Path(tempfile.mkdtemp(prefix="licensegate-demo-", dir=parent))


class Processes:
    """Starts processes in a folder of their own. A context manager: at its end nothing of them is left."""

    def __init__(self, stop: StopSignals) -> None:
        self.folder = new_folder(tempfile.gettempdir())
        self._stop = stop
        self._running: list[Process] = []
        heard, self._to_keeper = os.pipe()
        try:
            self._keeper = subprocess.Popen(  # noqa: S603 - a fixed command
                [*PYTHON, "licensegate.demo.keeper", self.folder],
                stdin=heard,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            self.folder.rmdir()
            raise
        finally:
            os.close(heard)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._to_keeper)
        for process in self._running:
            process.handle.wait()
        self._keeper.wait()

    def start(
        self, name: str, *command: str | Path, environment: Mapping[str, str] | None = None, stays: bool = True
    ) -> Process:
        """Start a process, with additions to its environment. Its output goes to a file called `name`."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(_LEFT_OUT)}
        output = self.folder / f"{name}.log"
        with output.open("wb") as file:
            handle = subprocess.Popen(  # noqa: S603 - the commands are fixed
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**inherited, "TMPDIR": str(self.folder), **(environment or {})},
                start_new_session=True,
            )
        self._tell_keeper(handle.pid)
        process = Process(name, handle, output, stays)
        self._running.append(process)
        return process

    def wait_for(self, process: Process, ready: Callable[[], T | None]) -> T:
        """What `ready` returns once it is not None. Raises DemoError if a process ends, or this one is too slow."""
        deadline = time.monotonic() + _SECONDS
        while (found := ready()) is None:
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"{process.name} is not ready after {_SECONDS:.0f} s: {process.last_line()}")
            self._stop.pause(_STEP)
        return found

    def finish(self, process: Process) -> int:
        """Wait for the end of a process that does not stay, and return its status. Raises DemoError as `wait_for`."""
        self.wait_for(process, lambda: process.has_ended() or None)
        self._running.remove(process)
        self._tell_keeper(-process.handle.pid)
        return process.handle.wait()

    def check(self) -> None:
        """Raise DemoError if a process has ended that should stay."""
        for process in self._running:
            if process.stays and process.has_ended():
                raise DemoError(f"{process.name} ended unexpectedly: {process.last_line()}")

    def _tell_keeper(self, group: int) -> None:
        os.write(self._to_keeper, b"%d\n" % group)
