"""Minimal systems of this machine's distribution, for tests in a container and on a host; kept between runs.

They are made of Debian packages, so no image registry is needed.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from support.programs import run
from support.requirements import missing, require_command

CACHE = Path(__file__).resolve().parents[2] / "build" / "base-image"
_HOST_PACKAGES = ("systemd-sysv", "dbus", "logrotate")
_REMOVED_FOLDERS = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "var/log")
"""Folders removed as in slim images. apt's lists and downloaded packages are removed too."""


def base_image() -> Path:
    """A tar file of a minimal system with Python; its name ends with the Python version. Kept between runs.

    Like debian:12-slim plus Python: made by debootstrap, without documentation.
    """
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
    unfinished.joinpath("var/log/apt").mkdir(parents=True)
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
    tree = CACHE / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    command: list[str | Path] = [
        require_command("debootstrap", "debootstrap"),
        "--variant=minbase",
        "--include=python3",
        suite,
        tree,
    ]
    done = subprocess.run([*command, _mirror()], capture_output=True, text=True)
    if done.returncode != 0:
        missing("a base image", f"see why debootstrap failed: {(done.stdout + done.stderr)[-400:]}")
    for folder in _REMOVED_FOLDERS:
        shutil.rmtree(tree / folder)
    for folder in ("var/lib/apt/lists", "var/cache"):
        for fetched in tree.joinpath(folder).rglob("*"):
            if fetched.is_file():
                fetched.unlink()
    version = tree.joinpath("usr/bin/python3").readlink().name.removeprefix("python")
    unfinished = CACHE / "unfinished.tar"
    subprocess.run(["tar", "--create", "--file", unfinished, "--directory", tree, "."], check=True)
    shutil.rmtree(tree)
    return unfinished.rename(CACHE / f"{suite}-python{version}.tar")


def _mirror() -> str:
    """The Debian mirror that this machine uses."""
    apt = require_command("apt-get", "apt")
    targets = run(apt, "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").stdout.split()
    return targets[0] if targets else missing("a Debian mirror", "name one in /etc/apt/sources.list")
