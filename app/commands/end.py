"""`licensegate end`: ends open connections by their ids."""

import argparse
from typing import Final

from licensegate.app.service.control_protocol import Request

from .ended_tunnels import add_gate_arguments, request_ends

NOTES: Final = """\
  `licensegate tunnels` shows the ids; they are those of the access log, too. The client sees its connection closed,
  and may open another one.

exit status:
  0  all of them were ended
  1  some ids are those of no open connection; the others were ended
  2  the command line or the settings cannot be used, or no gate answers
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("ids", metavar="ID", nargs="+", help="the id of an open connection")
    add_gate_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask for the ends and print them."""
    return request_ends(arguments, Request("end", ids=tuple(arguments.ids)))
