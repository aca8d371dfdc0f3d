"""`licensegate tunnels`: shows the open connections."""

import argparse
from typing import Final

from licensegate.app.overview.tunnels import TunnelList
from licensegate.app.screen.tunnels import tunnel_list

from .showing import ASKS, EXIT_STATUSES, Show, add_show_arguments, page_number, show

NOTES: Final = f"""\
{ASKS}
{EXIT_STATUSES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_show_arguments(parser)
    parser.add_argument("--page", metavar="NUMBER", type=page_number, default="1", help="this page of a long list")


def run(arguments: argparse.Namespace) -> int:
    """Show a page of the open connections, the oldest first."""
    return show(arguments, Show("tunnels", TunnelList, tunnel_list), {"page": arguments.page})
