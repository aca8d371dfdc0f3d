"""Takes the listening sockets that the service manager has opened for this process: sd_listen_fds(3).

The manager holds them too. While the gate is stopped clients wait in the kernel's queue until it has started again.
"""

import logging
import os
import socket
from collections.abc import Collection, MutableMapping
from typing import Final

from licensegate.proxy.net.passed_sockets import PassedSocket, PassedSockets, why_unusable
from licensegate.proxy.settings import ListenAddress

_FIRST: Final = 3  # SD_LISTEN_FDS_START
_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

_log = logging.getLogger(__name__)


def activated_sockets(environ: MutableMapping[str, str]) -> PassedSockets:
    """Return the sockets that were passed to this process, and remove the variables that say so.

    A socket on which no client can be served is closed; the log says why, and what to change.
    """
    process, number, names = (environ.pop(name, "") for name in _VARIABLES)
    if process != str(os.getpid()) or not number.isdecimal():
        return PassedSockets()
    named = names.split(":") if names else []
    passed = []
    for place in range(int(number)):
        name = named[place] if place < len(named) else "unknown"
        try:
            sock = socket.socket(fileno=_FIRST + place)
        except OSError as error:
            _log.error("LISTEN_FDS: descriptor %d is not a socket: %s", _FIRST + place, error.strerror)
            continue
        sock.set_inheritable(False)
        if reason := why_unusable(sock):
            _log.error("the service manager's socket %s (%s) is not used: %s", _address(sock), name, reason)
            sock.close()
        else:
            passed.append(PassedSocket(sock, name, lasting=True))
    return PassedSockets(passed)


def warn_of_unused(passed: PassedSockets, addresses: Collection[ListenAddress]) -> None:
    """Log a warning for each socket of the service manager that none of the settings' addresses names."""
    for one in passed.unused(addresses):
        _log.warning(
            "the service manager's socket %s (%s) is in no listen or admin.listen of the settings: clients that "
            "connect there get no answer; add it to the settings, or take it out of the socket unit",
            one.address,
            one.name,
        )


def _address(sock: socket.socket) -> str:
    name = sock.getsockname()
    return str(ListenAddress(*name[:2])) if isinstance(name, tuple) else str(name)
