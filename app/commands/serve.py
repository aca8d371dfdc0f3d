"""`licensegate serve`: runs the gate."""

import argparse
import gc
import os
import signal
import socket
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from licensegate.app.terminal import complain

if TYPE_CHECKING:
    from licensegate.app.settings import Settings  # takes long to load

NOTES: Final = """\
  Uses the listening sockets of a service manager that passes some (LISTEN_FDS), as licensegate.socket does.

exit status:
  0  stopped as asked, or another process has taken over (licensegate handover)
  1  could not serve, but may later: an address cannot be bound, or the access log's pipe has no reader
  2  the command line, the settings or a file that they name cannot be used, or a port needs a privilege that the gate
     lacks; the error names the place
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file")
    parser.add_argument("--take-over", metavar="DESCRIPTOR", type=int, help=argparse.SUPPRESS)  # of a HandoverLine


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    # Without a handler SIGHUP kills. From here on it waits, until the gate can reload: the imports alone take 0.2 s.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    gc.disable()  # until the gate is ready: modules and settings are no garbage, and looking at them takes 0.03 s
    from licensegate.app.settings import SettingsError, load

    takeover = None
    if arguments.take_over is not None:
        from licensegate.app.service.handover_line import HandoverLine
        from licensegate.app.service.takeover import Takeover

        try:
            takeover = Takeover(HandoverLine.inherited(arguments.take_over))
        except OSError as error:
            return complain(f"--take-over is for licensegate handover alone: {error.strerror}")
    read_settings = partial(load, arguments.config, os.environ)
    try:
        settings = read_settings()
    except SettingsError as error:
        if takeover is not None:
            takeover.failed(str(error))
        return complain(str(error))
    from licensegate.app.service.run import run as run_gate  # after the settings: an error in them shows at once

    return run_gate(settings, read_settings, arguments.config, takeover, _warnings)


def _warnings(settings: "Settings") -> Iterable[str]:
    """What `licensegate check` warns of, for the pages."""
    from .check_warnings import warnings

    return warnings(settings, os.environ, socket.gethostname())
