"""`licensegate reload`: asks the running gate, over its control socket, to read its settings again."""

import argparse
import os
from pathlib import Path
from typing import Final

from licensegate.app.service.control import ControlError, Request, ask, control_path
from licensegate.app.settings.load import settings_file
from licensegate.app.terminal import complain, say

NOTES: Final = """\
  Open tunnels keep the settings that they began with. The command uses control.sock in the state directory
  (systemd: the runtime directory), which only the gate's own user and root may open. SIGHUP does the same.

exit status:
  0  the new settings are in force
  1  refused: the new settings cannot be used, and the old ones stay in force
  2  no gate answers, or not in time
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file that the gate was started with")


def run(arguments: argparse.Namespace) -> int:
    """Ask for a reload and print the answer."""
    # A gate run by systemd is found without reading its settings. If they are broken now, the gate itself says so.
    path = control_path(None, os.environ, arguments.config or settings_file(os.environ))
    if path is None:
        from .settings_file import load_or_exit

        path = control_path(load_or_exit(arguments.config).state_directory, os.environ)
    if path is None:
        return complain("a gate without state.directory has no control socket; send it SIGHUP instead")
    try:
        reply = ask(path, Request("reload"))
    except ControlError as error:
        return complain(str(error))
    if not reply.ok:
        complain(reply.message)
        return 1
    return say(reply.message)
