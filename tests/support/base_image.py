"""Minimal systems of this machine's distribution, for tests in a container and on a host; kept between runs.

They are made of Debian packages by the commands in docs/operations.md, so no image registry is needed.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
from pathlib import Path

from support.operations_page import commands_under
from support.programs import run
from support.requirements import missing, require_command

HEADING = "A base image without a registry"
"""Where the page says how to make and import one."""

_COMMANDS = commands_under(HEADING)[0]
CACHE = Path(__file__).resolve().parents[2] / "build/base-image" / hashlib.sha256(_COMMANDS.encode()).hexdigest()[:8]
"""Where they are kept, until the page's commands change."""

_HOST_PACKAGES = ("systemd-sysv", "dbus", "logrotate")


def base_image() -> Path:
    """A tar file of a minimal system with Python; its name ends with the Python version. Kept between runs."""
    if os.geteuid() != 0:
        missing("root", "run these tests as root, for debootstrap, buildah and crun")
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    for kept in CACHE.glob(f"{suite}-python3.*.tar"):
        return kept
    return _make(suite)


def host_tree() -> Path:
    """The folder of a minimal system with systemd and logrotate. Callers must not change it."""
    base = base_image()
    tree = CACHE / f"{base.stem}-host"
    if tree.exists():
        return tree
    unfinished = CACHE / "unfinished-host"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    subprocess.run(["tar", "--extract", "--file", base, "--directory", unfinished], check=True)
    apt = ("chroot", unfinished, "apt-get", "-qq")
    unasked = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in ((*apt, "update"), (*apt, "install", "--yes", "--no-install-recommends", *_HOST_PACKAGES)):
        done = subprocess.run(command, capture_output=True, text=True, env=unasked)
        if done.returncode != 0:
            missing("a host", f"see why apt-get failed: {(done.stdout + done.stderr)[-400:]}")
    return unfinished.rename(tree)


def python_version(base: Path) -> str:
    """The version of Python in a base image."""
    return base.stem.partition("-python")[2]


def _make(suite: str) -> Path:
    require_command("debootstrap", "debootstrap")
    values, _, commands = _COMMANDS.partition("\n")
    assert [value.partition("=")[0] for value in values.split()] == ["suite", "mirror"]
    folder = CACHE / "unfinished"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    here = f"suite={shlex.quote(suite)} mirror={shlex.quote(_mirror())}"
    done = subprocess.run(["sh", "-ec", f"{here}\n{commands}"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        missing("a base image", f"see why debootstrap failed: {(done.stdout + done.stderr)[-400:]}")
    version = folder.joinpath("base/usr/bin/python3").readlink().name.removeprefix("python")
    finished = folder.joinpath("base.tar").rename(CACHE / f"{suite}-python{version}.tar")
    shutil.rmtree(folder)
    return finished


def _mirror() -> str:
    """The Debian mirror that this machine uses."""
    apt = require_command("apt-get", "apt")
    targets = run(apt, "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").stdout.split()
    return targets[0] if targets else missing("a Debian mirror", "name one in /etc/apt/sources.list")
