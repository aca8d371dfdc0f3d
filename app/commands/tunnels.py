"""`licensegate tunnels`: shows the open connections."""

import argparse
import os
from functools import partial
from typing import Final

from licensegate.app.overview.tunnels import TunnelList
from licensegate.app.screen.tunnels import tunnel_list
from licensegate.app.terminal import complain

from .showing import ASKS, EXIT_STATUSES, Show, add_page_argument, add_show_arguments, is_drawn, show

NOTES: Final = f"""\
  `licensegate end ID` ends a connection, `licensegate revoke` those of a user, host, network or certificate.

{ASKS}
{EXIT_STATUSES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_show_arguments(parser)
    add_page_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show a page of the open connections, the oldest first."""
    status_of = partial(_name_next_page, quiet=arguments.json or is_drawn(os.environ))  # those show it themselves
    return show(arguments, Show("tunnels", TunnelList, tunnel_list), {"page": arguments.page}, status_of)


def _name_next_page(answer: TunnelList, *, quiet: bool) -> int:
    """Say on standard error how to see the next page, if there is one. Returns the exit status."""
    if answer.page < answer.pages and not quiet:
        complain(f"page {answer.page} of {answer.pages}; the next one: --page {answer.page + 1}")
    return 0
