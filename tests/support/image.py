"""The container image, built by the project's own scripts with buildah and a separate store."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.base_image import base_image, python_version
from support.namespaces import require_mounts
from support.requirements import missing, require_command

ROOT = Path(__file__).resolve().parents[2]


class Image:
    """A context manager for the image, built without a network on the base image of `support.base_image`.

    `version` is the gate's version, `python_version` the base image's. `config` is the image's configuration as
    `docker inspect` shows it, `root` its unpacked file system, `layer_bytes` the compressed size of each layer, the
    base image's first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buildah = require_command("buildah", "buildah")
        self._environment = {
            "BUILDER": self._buildah,
            "BUILDAH_ISOLATION": "chroot",
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def __enter__(self) -> Self:
        require_mounts()
        base = base_image()
        self.python_version = python_version(base)
        store = {"driver": "vfs", "graphroot": str(self._folder / "store"), "runroot": str(self._folder / "run")}
        lines = [f"{key} = {json.dumps(value)}" for key, value in store.items()]
        self._folder.joinpath("storage.conf").write_text("\n".join(["[storage]", *lines]))

        container = self._do("from", "scratch")
        self._do("add", container, str(base), "/")
        self._do("commit", "--rm", container, "base")
        gather_wheels(self.python_version)
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
        """Build as `make image` does, without a network, once the wheels are there. `arguments` are its variables."""
        defaults = {"BASE": "localhost/base", "PYTHON_VERSION": self.python_version}
        _finish(["unshare", "--net", ROOT / "scripts/image.sh"], self._environment | defaults | arguments)

    def _do(self, *arguments: str) -> str:
        return _finish([self._buildah, *arguments], self._environment)


def gather_wheels(python: str) -> None:
    """Gather the wheels as `make wheels` does, for this version of Python. Needs a .venv."""
    if not ROOT.joinpath(".venv/bin/pip").exists():
        missing(".venv", "run these tests with make test")
    _finish([ROOT / "scripts/wheelhouse.sh"], {"PYTHON_VERSION": python})


def _finish(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
