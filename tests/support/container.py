"""A running container of the image, as a service of the compose file describes it, by crun, which podman uses too."""

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

# crun refuses a machine on which both versions of control groups are mounted. It needs none here, and sees one.
_ONE_VERSION = 'mount -t cgroup2 none /sys/fs/cgroup && exec "$0" "$@"'

_KERNEL_MOUNTS = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
)


class Container:
    """A container, with namespaces of its own, from the image and a service; `bundle` is a folder for what crun needs.

    `state` is the folder that stands in for the service's volume. Entered, its first process runs; its output goes to
    `stdout` and `stderr`, which are files. Left, it has been killed if it had not ended.
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
        """Wait until its first process has ended; its exit status."""
        return self._process.wait(SECONDS)

    def await_words(self, words: str) -> str:
        """The first line on standard error with these words, as soon as it is there."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(f".*{re.escape(words)}.*\n", self.said)):
            assert self._process.poll() is None, f"it ended without {words!r}:\n{self.said}"
            assert time.monotonic() < deadline, f"it never said {words!r}:\n{self.said}"
            time.sleep(0.02)
        return found[0]

    @property
    def said(self) -> str:
        """Standard error so far."""
        return self.stderr.read_text()

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it to its end as its user, as `docker exec` does."""
        return self._do("exec", *self._as_its_user, self._name, *command)

    def signal(self, name: str) -> None:
        """Send its first process a signal, as `docker kill` does."""
        assert self._do("kill", self._name, name).returncode == 0

    def inside(self) -> tuple[str, ...]:
        """What to put before a command of this machine to have it run in the container's network."""
        state = json.loads(self._do("state", self._name).stdout)
        return ("nsenter", f"--net=/proc/{state['pid']}/ns/net")

    def _do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(*self._crun, *arguments)


def _specification(
    image: Image, service: Mapping[str, Any], state: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """What docker or podman would tell crun of the image and the service (OCI runtime specification 1.0)."""
    config = image.config
    uid, gid = map(int, config["User"].split(":"))
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
            "sysctl": service.get("sysctls", {}),
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }
