"""A terminal for programs that tests run: what they draw on it, and how wide it is."""

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from support.requirements import missing
from support.upstream import SECONDS


class Pty:
    """A pseudo-terminal. `device` is the programs' side, `text` what was written to it so far, as read by `await_text`.

    A context manager, which closes both sides.
    """

    def __init__(self, columns: int = 80) -> None:
        self.text = ""
        self._columns = columns

    def __enter__(self) -> Self:
        try:
            self._screen, self.device = os.openpty()
        except OSError:
            missing("a terminal", "mount devpts on /dev/pts")
        os.set_blocking(self._screen, False)
        fcntl.ioctl(self.device, termios.TIOCSWINSZ, struct.pack("4H", 24, self._columns, 0, 0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.device)
        os.close(self._screen)

    def await_text(self, words: str) -> str:
        """Wait until the text has these words. Raises AssertionError after SECONDS."""
        deadline = time.monotonic() + SECONDS
        while words not in self.text:
            assert time.monotonic() < deadline, f"{words!r} did not appear:\n{self.text}"
            select.select([self._screen], [], [], 0.1)
            self.read()
        return self.text

    def read(self) -> str:
        """Read what is there. A terminal ends lines with CR and LF; the text has LF."""
        with contextlib.suppress(BlockingIOError, OSError):
            while data := os.read(self._screen, 65536):
                self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return self.text


def run_on_terminal(
    *command: str | Path, columns: int = 80, stdin: int = subprocess.DEVNULL, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command to its end with its output on a terminal. Returns its exit status and what it wrote."""
    with Pty(columns) as terminal:
        process = start_on(terminal, command, stdin=stdin, env=env)
        deadline = time.monotonic() + SECONDS
        while process.poll() is None:
            assert time.monotonic() < deadline, f"{command} does not end:\n{terminal.text}"
            terminal.read()
            time.sleep(0.01)
        return process.returncode, terminal.read()


def start_on(
    terminal: Pty,
    command: Sequence[str | Path],
    *,
    stdin: int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command whose output goes to this terminal."""
    return subprocess.Popen(command, stdin=stdin, stdout=terminal.device, stderr=terminal.device, env=env)
