"""The container image, built by the project's own scripts with buildah and a separate store."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.base_image import HEADING, base_image, python_version
from support.namespaces import require_mounts
from support.operations_page import commands_under
from support.requirements import missing, require_command

ROOT = Path(__file__).resolve().parents[2]


class Image:
    """A context manager for the image, built on the base image of `support.base_image`, and without a network.

    `extras` adds to it as `make image EXTRAS=` does, which needs the network.
    `version` is the gate's version, `python_version` the base image's. `config` is the image's configuration as
    `docker inspect` shows it, `root` its unpacked file system, `layer_bytes` the compressed size of each layer, the
    base image's first.
    """

    def __init__(self, folder: Path, extras: str = "") -> None:
        self._folder = folder
        self._extras = extras
        self._buildah = require_command("buildah", "buildah")
        self._environment = {
            "BUILDER": self._buildah,
            "BUILDAH_ISOLATION": "chroot",
            **separate_store(folder),
        }

    def __enter__(self) -> Self:
        require_mounts()
        base = base_image()
        self.python_version = python_version(base)
        self._folder.joinpath("base.tar").symlink_to(base)
        finish(["sh", "-ec", f"cd {self._folder}\n{commands_under(HEADING)[2]}"], self._environment)
        gather_wheels(self.python_version, self._extras)
        self.build()
        (wheel,) = ROOT.glob("build/wheelhouse/licensegate-*.whl")
        self.version = wheel.name.split("-")[1]

        self.config: dict[str, Any] = json.loads(self._do("inspect", "licensegate:latest"))["Docker"]["config"]
        self.root = Path(self._do("mount", self._do("from", "licensegate:latest")))
        self._do("push", "--quiet", "licensegate:latest", f"dir:{self._folder}/pushed")
        manifest = json.loads(self._folder.joinpath("pushed/manifest.json").read_text())
        self.layer_bytes: list[int] = [layer["size"] for layer in manifest["layers"]]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do("rm", "--all")
        self._do("rmi", "--all", "--force")

    def build(self, **arguments: str) -> None:
        """Build as `make image` does, once the wheels are there. `arguments` are its variables."""
        defaults = {"BASE": "localhost/base", "PYTHON_VERSION": self.python_version, "EXTRAS": self._extras}
        network = [] if self._extras else ["unshare", "--net"]
        finish([*network, ROOT / "scripts/image.sh"], self._environment | defaults | arguments)

    def _do(self, *arguments: str) -> str:
        return finish([self._buildah, *arguments], self._environment)


def separate_store(folder: Path) -> dict[str, str]:
    """The environment in which buildah and podman keep their images in this folder."""
    store = {"driver": "vfs", "graphroot": str(folder / "store"), "runroot": str(folder / "run")}
    file = folder / "storage.conf"
    file.write_text("\n".join(["[storage]", *(f"{key} = {json.dumps(value)}" for key, value in store.items())]))
    return {"CONTAINERS_STORAGE_CONF": str(file)}


def gather_wheels(python: str, extras: str = "", *options: str) -> str:
    """Gather the wheels for this version of Python by scripts/wheelhouse.sh. Needs a .venv. Returns the output."""
    if not ROOT.joinpath(".venv/bin/pip").exists():
        missing(".venv", "run these tests with make test")
    return finish([ROOT / "scripts/wheelhouse.sh", *options], {"PYTHON_VERSION": python, "EXTRAS": extras})


def finish(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    """Run a command that must succeed, however long it takes. Returns its output."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
