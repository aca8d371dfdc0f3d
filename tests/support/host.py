"""A host for the gate: a minimal system booted by systemd-nspawn, with its own network. Its changes are discarded."""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support.base_image import base_image, host_tree, python_version
from support.image import ROOT, gather_wheels
from support.namespaces import require_mounts
from support.operations_page import commands_under
from support.programs import run, run_within
from support.requirements import require_command
from support.upstream import SECONDS

INSTALL, HAND_OVER, GO_BACK = commands_under("On a host")
"""The commands of docs/operations.md: to install and upgrade, to hand over to an upgrade, and to go back."""

(ACTIVATE,) = commands_under("Socket activation")
"""The commands of that page to have systemd hold the listening sockets."""

_INSTALL_SECONDS = 300


class Host:
    """A context manager for a booted host, with this checkout in /mnt and the gate installed by `INSTALL`."""

    def __enter__(self) -> Self:
        nspawn = require_command("systemd-nspawn", "systemd-container")
        require_mounts()
        tree = host_tree()
        gather_wheels(python_version(base_image()))
        self._process = subprocess.Popen(
            [
                *(nspawn, "--quiet", f"--directory={tree}", "--volatile=overlay", "--boot", "--private-network"),
                *("--register=no", "--keep-unit", "--console=pipe", f"--machine=licensegate-{os.getpid()}"),
                f"--bind-ro={ROOT}:/mnt",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            self._inside = ("nsenter", f"--target={self._await_first_process()}", "--all")
            self._await_boot()
            self.install()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def install(self) -> None:
        """Install the gate by the page's commands: at first, or for an upgrade."""
        done = run_within(_INSTALL_SECONDS, *self._inside, "sh", "-ec", f"cd /mnt\n{INSTALL}")
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the host as root, to its end."""
        return run(*self._inside, *command)

    def do(self, *command: str) -> str:
        """Run a command that must succeed. Returns its output."""
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def inside(self) -> tuple[str, ...]:
        """The prefix that runs a command of this machine in the host's network."""
        return (*self._inside[:2], "--net")

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.do("systemctl", "show", "licensegate", "--value", f"--property={name}").strip()

    def await_logged(self, text: str) -> None:
        """Wait until the service has logged this text since its last start."""
        invocation = f"_SYSTEMD_INVOCATION_ID={self.show('InvocationID')}"
        deadline = time.monotonic() + SECONDS
        while text not in (log := self.do("journalctl", "--output=cat", "--no-pager", invocation)):
            assert time.monotonic() < deadline, f"not logged: {text!r}\n{log}"
            time.sleep(0.1)

    def _await_first_process(self) -> int:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        deadline = time.monotonic() + SECONDS
        while True:
            assert self._process.poll() is None, self._process.communicate()[1]
            for child in children.read_text().split():
                if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                    return int(child)
            assert time.monotonic() < deadline, "the host does not boot"
            time.sleep(0.05)

    def _await_boot(self) -> None:
        deadline = time.monotonic() + SECONDS
        while (state := self.run("systemctl", "is-system-running", "--wait").stdout.strip()) != "running":
            assert time.monotonic() < deadline, f"the host is {state}: {self.run('systemctl', '--failed').stdout}"
            time.sleep(0.1)

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
