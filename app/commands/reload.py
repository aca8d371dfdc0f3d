"""`licensegate reload`: asks the running gate, over its control socket, to read its settings again."""

import argparse
from pathlib import Path
from typing import Final

from licensegate.app.service.control_client import ask
from licensegate.app.service.control_protocol import ControlError, NobodyServesError, Request
from licensegate.app.settings import SettingsError
from licensegate.app.terminal import complain, say

from .control_socket import NO_SOCKET, control_socket

NOTES: Final = """\
  Prints what has changed, and which tunnels have ended for it. Open tunnels keep the settings that they began with,
  but those of removed users end; limits.revoke says which others (docs/revocation.md). The command uses control.sock
  in the state directory (systemd: the runtime directory), which only the gate's own user and root may open. SIGHUP
  does the same.

exit status:
  0  the new settings are in force
  1  refused: the new settings cannot be used, and the old ones stay in force
  2  no gate answers, or not in time
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file that the gate was started with")
    parser.add_argument(
        "--defaults",
        action="store_true",
        help="accept a settings file that was emptied: the built-in defaults take the place of its settings",
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask for a reload and print the answer."""
    # The settings may be broken now: then the gate is asked all the same, says so, and writes it to its log.
    try:
        path = control_socket(arguments.config)
    except SettingsError as error:
        complain(f"refused: the settings in force stay: {error}")
        return 1
    if path is None:
        return complain(f"{NO_SOCKET}, or send the gate SIGHUP")
    try:
        reply = ask(path, Request("reload", defaults=arguments.defaults))
    except NobodyServesError as error:
        return complain(f"{error} If state.directory has changed, send it SIGHUP instead")
    except ControlError as error:
        return complain(str(error))
    if not reply.ok:
        complain(reply.message)
        return 1
    return say(reply.message)
