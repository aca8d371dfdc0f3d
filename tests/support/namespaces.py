"""Commands to put before the gate's own, which take something from it: its privileges, its network, its hosts file.

A namespace is made as root of a user namespace of its own, which needs no privilege, or as root outside, since a chroot
has no user namespaces. Where the system grants neither, the test is skipped as one that lacks a part.
"""

from collections.abc import Mapping
from pathlib import Path

from support.programs import run
from support.requirements import missing, require_command

_MOUNT = 'mount --bind "$0" /etc/hosts && exec "$@"'


def unprivileged() -> tuple[str, ...]:
    """Without any capability: even as root, the command may bind and read no more than a user of its files may."""
    return (require_command("setpriv", "util-linux"), "--bounding-set=-all", "--inh-caps=-all")


def alone() -> tuple[str, ...]:
    """In a network of its own, where every port is free and those below 1024 need a privilege."""
    return _unshare("--net")


def with_hosts(folder: Path, addresses: Mapping[str, str], *, alone: bool = False) -> tuple[str, ...]:
    """With these names in /etc/hosts and no others, so that a test decides what the system's resolver answers.

    `alone`: in a network of its own as well.
    """
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} {name}\n" for name, address in addresses.items()))
    return (*_unshare("--mount", *(("--net",) if alone else ())), "sh", "-c", _MOUNT, str(hosts))


def require_mounts() -> None:
    """Skip the test where nothing may be mounted: in a chroot, whose root is no mount that could be made private."""
    _unshare("--mount")


def _unshare(*namespaces: str) -> tuple[str, ...]:
    unshare = require_command("unshare", "util-linux")
    for command in ((unshare, "--map-root-user", *namespaces), (unshare, *namespaces)):
        if run(*command, "true").returncode == 0:
            return command
    return missing(f"the right to unshare {' '.join(namespaces)}", "ask the system's owner for it (user_namespaces(7))")
