"""`licensegate handover`: asks the running gate, over its control socket, to hand over to a new process."""

import argparse
import math
import os
import sys
from pathlib import Path
from typing import Final

from licensegate.app.service.control_client import ask
from licensegate.app.service.control_protocol import ControlError, Request
from licensegate.app.settings import SettingsError
from licensegate.app.terminal import complain, say

from .control_socket import NO_SOCKET, control_socket

NOTES: Final = """\
  The running gate starts the release that this command belongs to, beside itself and with its own environment. The
  new process reads its settings, takes over the listening sockets and serves; no client is refused. The old one
  keeps the tunnels that it has, until they end or the time of --drain is over, and ends. Under systemd the service
  follows the new process.

  If the new one does not become ready, the old one goes on as if nothing had happened, and this command says why.
  docs/operations.md describes upgrades and the way back.

exit status:
  0  the new process serves
  1  refused, or the new process did not become ready: the old one serves
  2  no gate answers, or not in time
"""

_MORE_SECONDS: Final = 20  # than the new process may take: for a reload that runs, and to change over
_defaults: Final = Request("handover")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help="the settings file of the new process, by default that of the old"
    )
    parser.add_argument(
        "--drain",
        metavar="SECONDS",
        type=_seconds,
        default=_defaults.drain_seconds,
        help="how long the old process keeps its tunnels (default: %(default)g)",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=_defaults.ready_seconds,
        help="how long the new process may take to become ready (default: %(default)g)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask for a handover and print the answer."""
    config: Path | None = arguments.config
    try:
        path = control_socket(config)
    except SettingsError as error:
        complain(f"refused: {error}; the gate goes on serving as before")
        return 1
    if path is None:
        return complain(NO_SOCKET)
    request = Request(
        "handover",
        program=sys.executable,
        config="" if config is None else os.path.abspath(config),
        ready_seconds=arguments.timeout,
        drain_seconds=arguments.drain,
    )
    try:
        reply = ask(path, request, arguments.timeout + _MORE_SECONDS)
    except ControlError as error:
        return complain(str(error))
    if not reply.ok:
        complain(reply.message)
        return 1
    return say(reply.message)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
