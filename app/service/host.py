"""The gate's host: its standard streams and its limit on open files."""

import logging
import os
import resource

from msgspec import structs

from licensegate.proxy.settings import Limits, tunnels_within

_log = logging.getLogger(__name__)


def open_standard_streams() -> None:
    """Open /dev/null for each standard stream that is closed, so that no socket gets its number and then log lines.

    Call it before anything else is opened.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number


def limits_within_descriptors(limits: Limits) -> Limits:
    """Raise the limit on open files to what a full gate needs. If that is refused, warn and lower the tunnels."""
    wanted = limits.descriptors
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    tunnels = tunnels_within(granted)
    if tunnels >= limits.tunnels:
        return limits
    _log.warning(
        "%d open files are allowed, enough for %d tunnels, so no more are served, although limits.tunnels = %d; raise "
        "the limit (ulimit -n, LimitNOFILE), or lower limits.tunnels",
        granted,
        tunnels,
        limits.tunnels,
    )
    return structs.replace(limits, tunnels=tunnels)
