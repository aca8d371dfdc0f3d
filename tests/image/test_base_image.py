"""The base image that docs/operations.md makes without a registry. `support.image` imports it with buildah."""

from pathlib import Path

import pytest

from support.base_image import HEADING, base_image
from support.image import finish, separate_store
from support.namespaces import require_mounts
from support.operations_page import commands_under
from support.requirements import require_command

pytestmark = pytest.mark.timeout(600)  # it may have to be made first


def test_podman_imports_it_by_the_command_on_the_page(tmp_path: Path) -> None:
    require_mounts()
    podman = require_command("podman", "podman")
    store = separate_store(tmp_path)
    tmp_path.joinpath("base.tar").symlink_to(base_image())
    finish(["sh", "-ec", f"cd {tmp_path}\n{commands_under(HEADING)[1]}"], store)
    root = Path(finish([podman, "image", "mount", "localhost/base"], store))
    try:
        assert root.joinpath("usr/bin/python3").exists()
        assert list(root.joinpath("usr/share/doc").rglob("*.gz")) == []
    finally:
        finish([podman, "image", "unmount", "localhost/base"], store)
        finish([podman, "rmi", "localhost/base"], store)
