"""Starts a proxy in a folder of its own, waits until it listens, and stops it."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_START_SECONDS = 30
_STOP_SECONDS = 15
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"))


class UnavailableError(Exception):
    """A contender lacks something on this machine or did not start; the text says what to do."""


class Instance(Struct, frozen=True):
    """One set-up of a contender: its folder, and the ports of 127.0.0.1 it has to do with.

    It listens on `port`. Its target is on `target_port`, its parent proxy on `parent_port`, if it has one.
    """

    folder: Path
    port: int
    target_port: int
    parent_port: int = 0

    def write(self, name: str, text: str) -> Path:
        """Write a file to the folder."""
        file = self.folder / name
        file.write_text(text)
        return file


@contextlib.contextmanager
def running(command: list[str], instance: Instance) -> Iterator[int]:
    """Run a command, wait for the instance's port, yield the process id, stop it. Raises UnavailableError."""
    output = instance.folder / "output"
    with output.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd=instance.folder)
    try:
        _wait_for_port(instance.port, process, output)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def executable(name: str, package: str) -> str:
    """The path of a program. Raises UnavailableError with the Debian package to install."""
    found = shutil.which(name, path=SYSTEM_PATH)
    if not found:
        raise UnavailableError(f"{name} is not installed: apt-get install --no-install-recommends {package}")
    return found


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    said = output.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
    raise UnavailableError(f"it does not listen; its last output: {said[0]}")
