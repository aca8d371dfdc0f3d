"""`licensegate clients`: shows the clients, the most urgent first: last contact, deadlines, what is wrong."""

import argparse
from typing import Final

from licensegate.app.overview.clients import ClientList
from licensegate.app.screen.clients import client_list

from .showing import ASKS, EXIT_STATUSES, Show, add_page_argument, add_show_arguments, show

NOTES: Final = f"""\
{ASKS}
    licensegate clients
    licensegate clients 10.20.
    licensegate clients --json "CUCM ship"

{EXIT_STATUSES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_show_arguments(parser)
    add_page_argument(parser)
    parser.add_argument(
        "query", metavar="TEXT", nargs="?", default="", help="only clients whose name, address or program has this text"
    )


def run(arguments: argparse.Namespace) -> int:
    """Show a page of the clients."""
    return show(arguments, Show("clients", ClientList, client_list), {"q": arguments.query, "page": arguments.page})
