"""Starts the new gate of a handover: a process in the same cgroup, sandbox and session of the log as this one.

Its parent is the first process, not this gate: the service manager notices its end by itself, and nobody else has to
collect its exit status.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .handover_line import HandoverError, HandoverLine, line_pair

_FORK_AND_START: Final = "import os, sys; os.fork() or os.execv(sys.argv[1], sys.argv[1:])"
_GATE: Final = ("-P", "-m", "licensegate.app", "serve")
_OF_THIS_PROCESS: Final = frozenset({"WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
_INITS: Final = frozenset({"catatonit", "docker-init", "dumb-init", "podman-init", "tini"})


class Successor:
    """The started process, at the other end of `line`."""

    def __init__(self, line: HandoverLine, group: int) -> None:
        self.line = line
        self._group = group

    def end(self) -> None:
        """Close the line and kill the process, if it has not ended."""
        self.line.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, signal.SIGKILL)


async def start_successor(program: str, config: Path | None, environ: Mapping[str, str]) -> Successor:
    """Start a gate with the interpreter `program`, and the settings file `config` if there is one.

    Raises HandoverError.
    """
    line, theirs = line_pair()
    settings = () if config is None else ("--config", str(config))
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                *(program, "-I", "-S", "-c", _FORK_AND_START),
                *(program, *_GATE, *settings, "--take-over", str(theirs.fileno())),
                env={name: value for name, value in environ.items() if name not in _OF_THIS_PROCESS},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # so that it has a process group of its own, which can be killed
            )
        except OSError as error:
            line.close()
            raise HandoverError(f"{program} cannot be started: {error.strerror}") from None
    successor = Successor(line, process.pid)
    try:
        status = await process.wait()
    except asyncio.CancelledError:
        successor.end()
        raise
    if status:
        successor.end()
        raise HandoverError(f"{program} cannot be started: it ended with status {status}")
    return successor


def why_not_replaceable(pid: int, parent: int, first_process: str) -> str:
    """Why no other process can take the place of this one; empty if one can.

    `first_process` is the name of the process with the id 1 (proc(5), comm).
    """
    if pid == 1:
        return "this gate is the first process of its container, which ends with it; replace the container"
    if parent == 1 and first_process in _INITS:
        return f"{first_process} ends the container with the process that it started; replace the container"
    return ""


def check_replaceable() -> None:
    """Raise HandoverError if no other process can take the place of this one."""
    try:
        first_process = Path("/proc/1/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        first_process = ""
    if reason := why_not_replaceable(os.getpid(), os.getppid(), first_process):
        raise HandoverError(reason)
