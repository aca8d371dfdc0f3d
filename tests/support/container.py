"""A running container of the image, configured from a compose service and run by crun, which podman uses too."""

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.image import Image
from support.programs import run
from support.requirements import require_command
from support.upstream import SECONDS

# crun refuses a machine with both cgroup versions mounted. It needs none here; this shows it only one.
_ONE_VERSION = 'mount -t cgroup2 none /sys/fs/cgroup && exec "$0" "$@"'

_KERNEL_MOUNTS = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
)


class Container:
    """A context manager for a container with its own namespaces. `bundle` is a folder for crun's files.

    `state` is the folder mounted as the service's volume. The output goes to the files `stdout` and `stderr`. On exit
    the container is killed if it is still running.
    """

    def __init__(
        self,
        image: Image,
        service: Mapping[str, Any],
        bundle: Path,
        state: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._bundle = bundle
        self._name = f"licensegate-{os.getpid()}-{bundle.name}"
        self._as_its_user = (f"--user={image.config['User']}", f"--cwd={image.config['WorkingDir']}")
        self.stdout, self.stderr = bundle / "stdout", bundle / "stderr"
        crun = require_command("crun", "crun")
        root = f"--root={bundle}/run"
        self._crun = ("unshare", "--mount", "sh", "-c", _ONE_VERSION, crun, root, "--cgroup-manager=disabled")
        bundle.joinpath("config.json").write_text(json.dumps(_specification(image, service, state, environment or {})))

    def __enter__(self) -> Self:
        with self.stdout.open("wb") as stdout, self.stderr.open("wb") as stderr:
            command = [*self._crun, "run", f"--bundle={self._bundle}", self._name]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._do("delete", "--force", self._name)
            self._process.wait()

    def await_end(self) -> int:
        """Wait until process 1 has ended. Returns its exit status."""
        return self._process.wait(SECONDS)

    def await_line(self, text: str) -> str:
        """Wait for the first line on standard error with this text, and return it."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(f".*{re.escape(text)}.*\n", self.log)):
            assert self._process.poll() is None, f"it ended without {text!r}:\n{self.log}"
            assert time.monotonic() < deadline, f"not logged: {text!r}:\n{self.log}"
            time.sleep(0.02)
        return found[0]

    @property
    def log(self) -> str:
        """Standard error so far."""
        return self.stderr.read_text()

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container as its user, as `docker exec` does."""
        return self._do("exec", *self._as_its_user, self._name, *command)

    def signal(self, name: str) -> None:
        """Send a signal to process 1, as `docker kill` does."""
        assert self._do("kill", self._name, name).returncode == 0

    def inside(self) -> tuple[str, ...]:
        """The prefix that runs a command of this machine in the container's network."""
        state = json.loads(self._do("state", self._name).stdout)
        return ("nsenter", f"--net=/proc/{state['pid']}/ns/net")

    def _do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(*self._crun, *arguments)


def _specification(
    image: Image, service: Mapping[str, Any], state: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """The configuration that docker or podman would pass to crun (OCI runtime specification 1.0)."""
    config = image.config
    uid, gid = map(int, service.get("user", config["User"]).split(":"))
    capabilities = [] if service["cap_drop"] == ["ALL"] else ["CAP_NET_BIND_SERVICE", "CAP_KILL"]
    files = service["ulimits"]["nofile"]
    volume = {"destination": service["volumes"][0].partition(":")[2], "source": str(state), "options": ["rbind", "rw"]}
    return {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": uid, "gid": gid},
            "args": [*config["Entrypoint"], *service.get("command", config["Cmd"])],
            "env": [*config["Env"], *(f"{name}={value}" for name, value in environment.items())],
            "cwd": config["WorkingDir"],
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
            "noNewPrivileges": "no-new-privileges:true" in service["security_opt"],
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": files, "soft": files}],
        },
        "root": {"path": str(image.root), "readonly": service["read_only"]},
        "mounts": [*_KERNEL_MOUNTS, {**volume, "type": "bind"}],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
            "sysctl": dict(sysctl.split("=") for sysctl in service.get("sysctls", ())),
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }
