"""What the machine grants and is called: the limit on open files, the folder for state, and the address for clients."""

import contextlib
import logging
import os
import resource
import socket
import stat
from pathlib import Path
from typing import Final

from licensegate.app.settings import SettingsError

_OTHER_DESCRIPTORS: Final = 256
"""What the gate itself needs, dials in progress and pipes included."""

_log = logging.getLogger(__name__)


def open_standard_streams() -> None:
    """Open /dev/null for each that is closed: else a socket would get its number, and what is meant for a log.

    To be called before anything else is opened.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


def raise_descriptor_limit(tunnels: int) -> None:
    """A tunnel needs two descriptors; take what the system grants, and say so if that is too little."""
    wanted = 2 * tunnels + _OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted < wanted:
        _log.warning(
            "%d open files are allowed, enough for %d tunnels of limits.tunnels = %d; raise the limit (ulimit -n, "
            "LimitNOFILE), or lower limits.tunnels",
            granted,
            max(granted - _OTHER_DESCRIPTORS, 0) // 2,
            tunnels,
        )


def make_state_directory(directory: Path) -> None:
    """Make it for this user alone, unless it is there; warn of one that others may write to. Raises SettingsError."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        mode = directory.stat().st_mode
    except FileExistsError:
        raise SettingsError(f"state.directory: {directory} is a file; remove it, or name a folder") from None
    except OSError as error:
        raise SettingsError(f"state.directory: {directory} cannot be made: {error.strerror}") from None
    if mode & stat.S_IWOTH:
        _log.warning("state.directory: everybody may write to %s, and so change the key; chmod o-w it", directory)


def what_to_type_into_cucm(ports: list[int]) -> str:
    """The proxy fields of CUCM's licensing page (CUCM System Configuration Guide, Smart Software Licensing)."""
    first, *others = dict.fromkeys(ports)
    or_others = f" (or {', '.join(map(str, others))})" if others else ""
    return (
        "in CUCM, System > Licensing > License Management > View/Edit, choose HTTP/HTTPS Proxy and type: "
        f"IP Address/Host Name {_own_address()}, Port {first}{or_others}"
    )


def _own_address() -> str:
    """The address of the interface that outgoing traffic takes; connecting a datagram socket sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 443))  # TEST-NET-1, RFC 5737
        return str(probe.getsockname()[0])
    return socket.gethostname()
