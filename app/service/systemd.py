"""Notifies the service manager of the gate's state, if it asked to be notified: the protocol of sd_notify(3).

A failed notification is logged and otherwise ignored: the gate serves with or without a manager.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Mapping
from typing import Final

_SOCKET: Final = "NOTIFY_SOCKET"
_AFTER_DRAIN_SECONDS: Final = 5
"""Time for closing and for writing the last log lines."""

_MAIN_PROCESS_SECONDS: Final = 5
_AGAIN_SECONDS: Final = 0.02

_log = logging.getLogger(__name__)


def notify_ready(environ: Mapping[str, str], status: str) -> None:
    """Tell that the gate serves, also after a reload. `status` is one line for `systemctl status`."""
    _notify(environ, "READY=1", f"STATUS={status}")


def notify_reloading(environ: Mapping[str, str]) -> None:
    """Tell that a reload has begun; `notify_ready` tells its end."""
    _notify(environ, "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def notify_stopping(environ: Mapping[str, str], drain_seconds: float) -> None:
    """Tell that the gate is stopping, and ask not to be killed while tunnels drain, even beyond the unit's limit."""
    microseconds = int((drain_seconds + _AFTER_DRAIN_SECONDS) * 1_000_000)
    _notify(environ, "STOPPING=1", f"EXTEND_TIMEOUT_USEC={microseconds}")


async def notify_main_process(environ: Mapping[str, str], pid: int) -> None:
    """Tell that another process is the service's main one from now on. Only that one may notify then.

    Tries again while the service manager is too busy: it would end the service with this process. Raises OSError.
    """
    async with asyncio.timeout(_MAIN_PROCESS_SECONDS):
        while True:
            try:
                _send(environ, f"MAINPID={pid}")
            except BlockingIOError:
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return


def notify_alive(environ: Mapping[str, str]) -> None:
    """The gate is not frozen: sent in each `watchdog_interval`, from the event loop."""
    _notify(environ, "WATCHDOG=1")


def watchdog_interval(environ: Mapping[str, str]) -> float | None:
    """Seconds between two `notify_alive`: half the time after which the service manager ends a silent gate.

    None if it does not watch this process (sd_watchdog_enabled(3)).
    """
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000 or None


def _notify(environ: Mapping[str, str], *lines: str) -> None:
    try:
        _send(environ, *lines)
    except OSError as error:
        _log.warning("cannot send %s to the service manager: %s", lines[0], error.strerror or error)


def _send(environ: Mapping[str, str], *lines: str) -> None:
    address = environ.get(_SOCKET)
    if not address:
        return
    if address.startswith("@"):  # an abstract socket address (unix(7))
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.setblocking(False)  # a service manager that hangs may not stop the gate
        connection.connect(address)
        connection.send("\n".join(lines).encode(errors="backslashreplace"))  # a path need not be valid UTF-8
