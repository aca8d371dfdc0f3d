"""Tells the service manager how the gate is, if one has asked to be told: the protocol of sd_notify(3).

What cannot be told is logged and no more: the gate serves with a manager or without.
"""

import logging
import socket
import time
from collections.abc import Mapping
from typing import Final

_SOCKET: Final = "NOTIFY_SOCKET"
_AFTER_DRAIN_SECONDS: Final = 5
"""What closing, and writing the last lines, may take."""

_log = logging.getLogger(__name__)


def tell_ready(environ: Mapping[str, str], status: str) -> None:
    """It serves; also after a reload. `status` is one line for `systemctl status`."""
    _tell(environ, "READY=1", f"STATUS={status}")


def tell_reloading(environ: Mapping[str, str]) -> None:
    """It has begun to reload; `tell_ready` says that it is done."""
    _tell(environ, "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def tell_stopping(environ: Mapping[str, str], drain_seconds: float) -> None:
    """It has begun to stop, and is not to be killed while tunnels may still drain, whatever the unit's own limit."""
    microseconds = int((drain_seconds + _AFTER_DRAIN_SECONDS) * 1_000_000)
    _tell(environ, "STOPPING=1", f"EXTEND_TIMEOUT_USEC={microseconds}")


def _tell(environ: Mapping[str, str], *lines: str) -> None:
    address = environ.get(_SOCKET)
    if not address:
        return
    if address.startswith("@"):  # no file, but a name that the kernel keeps (unix(7))
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.connect(address)
            connection.send("\n".join(lines).encode(errors="backslashreplace"))  # a path may be no text
    except OSError as error:
        _log.warning("the service manager cannot be told %s: %s", lines[0], error.strerror or error)
