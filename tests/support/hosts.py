"""A hosts file for one process alone, so that a test decides what the system's resolver answers."""

from collections.abc import Mapping
from pathlib import Path

from support.clients import run
from support.parts import missing, require_command

_MOUNT = 'mount --bind "$0" /etc/hosts && exec "$@"'


def with_hosts(folder: Path, addresses: Mapping[str, str]) -> tuple[str, ...]:
    """What to put before a command so that it finds these names in /etc/hosts, and no others.

    Needs a mount namespace; where the system grants none, the test is skipped as one that lacks a part.
    """
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} {name}\n" for name, address in addresses.items()))
    prefix = (require_command("unshare", "util-linux"), "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(hosts))
    if run(*prefix, "true").returncode:
        missing("the right to make a user namespace", "nothing, but allow it (see user_namespaces(7))")
    return prefix
