"""`licensegate serve`: runs the gate."""

import argparse
import os
import signal
from functools import partial
from pathlib import Path
from typing import Final

NOTES: Final = """\
exit status:
  0  stopped as asked
  1  could not serve, but may later: an address cannot be bound, or the access log's pipe has no reader
  2  the command line, the settings or a file that they name cannot be used, or a port needs a privilege that the gate
     lacks; the error names the place
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file")


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    # Without a handler SIGHUP kills. From here on it waits, until the gate can reload: the imports alone take 0.2 s.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from licensegate.app.settings import load

    from .settings_file import load_or_exit

    settings = load_or_exit(arguments.config)
    from licensegate.app.service.run import run as run_gate  # after the settings: an error in them shows at once

    return run_gate(settings, partial(load, arguments.config, os.environ))
