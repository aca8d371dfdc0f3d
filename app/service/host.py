"""The gate's host: its standard streams and its limit on open files."""

import logging
import os
import resource

from licensegate.proxy.settings import OWN_DESCRIPTORS, Limits

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


def raise_descriptor_limit(limits: Limits) -> None:
    """Raise the limit on open files to what a full gate needs. Warn if the system grants less."""
    wanted = limits.descriptors
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
            max(granted - OWN_DESCRIPTORS, 0) * 8 // 17,  # an eighth more connections may wait
            limits.tunnels,
        )
