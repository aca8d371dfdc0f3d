"""Command prefixes that run a program without privileges, in a new network, with another hosts file or a small disk.

A namespace is made as root of a new user namespace, which needs no privilege, or else as real root, since a chroot has
no user namespaces. Where neither is allowed, the test is skipped.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from support.programs import run
from support.requirements import missing, require_command

_MOUNT = 'mount --bind "$0/hosts" /etc/hosts && exec "$@"'
_MOUNT_BOTH = f'mount --bind "$0/resolv.conf" /etc/resolv.conf && {_MOUNT}'


def unprivileged() -> tuple[str, ...]:
    """Run without capabilities: even root then needs permission for low ports and for files."""
    return (require_command("setpriv", "util-linux"), "--bounding-set=-all", "--inh-caps=-all")


def own_network() -> tuple[str, ...]:
    """Run in a new network namespace, where every port is free and ports below 1024 need a privilege."""
    return _unshare("--net")


def with_hosts(
    folder: Path, addresses: Mapping[str, str], *, own_network: bool = False, resolv_conf: str = ""
) -> tuple[str, ...]:
    """Run with only these names in /etc/hosts, so that the test controls the system's resolver.

    `own_network`: in a new network namespace too. `resolv_conf` is the content of /etc/resolv.conf, by default the
    machine's.
    """
    (folder / "hosts").write_text("".join(f"{address} {name}\n" for name, address in addresses.items()))
    if resolv_conf:
        (folder / "resolv.conf").write_text(resolv_conf)
    mount = _MOUNT_BOTH if resolv_conf else _MOUNT
    return (*_unshare("--mount", *(("--net",) if own_network else ())), "sh", "-c", mount, str(folder))


def small_disk(folder: Path, kilobytes: int) -> tuple[str, ...]:
    """Run with a file system of this size mounted on a folder, which only that program and its children see."""
    mount = f'mount -t tmpfs -o size={kilobytes}k,mode=700 tmpfs "$0" && exec "$@"'
    return (*_unshare("--mount"), "sh", "-c", mount, str(folder))


def require_mounts() -> None:
    """Skip the test where mounting is not allowed, as in a chroot, whose root is not a mount point."""
    _unshare("--mount")


def _unshare(*namespaces: str) -> tuple[str, ...]:
    unshare = require_command("unshare", "util-linux")
    for command in ((unshare, "--map-root-user", *namespaces), (unshare, *namespaces)):
        done = run(*command, "true")
        if done.returncode == 0:
            return command
    return missing(f"what unshare {' '.join(namespaces)} needs ({done.stderr.strip()})", _remedy())


def _remedy() -> str:
    """How namespaces become possible here."""
    if os.geteuid() != 0:
        return "run as root, or have the system's owner allow user namespaces (user_namespaces(7))"
    if not _root_is_a_mount_point():
        return "run outside a chroot: it has no user namespaces, and its root is no mount point (unshare(2))"
    return "give this root the capability CAP_SYS_ADMIN, in a container by --privileged"


def _root_is_a_mount_point() -> bool:
    """Whether something is mounted on the root directory, as everywhere but in a chroot (proc_pid_mountinfo(5))."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    return any(line.split()[4] == "/" for line in mounts.splitlines())
