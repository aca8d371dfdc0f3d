"""`licensegate changes`: shows who changed what."""

import argparse
from typing import Final

from licensegate.app.overview.changes import ChangeList
from licensegate.app.screen.changes import change_list

from .showing import ASKS, EXIT_STATUSES, Show, add_page_argument, add_show_arguments, show

NOTES: Final = f"""\
  Shows the last 200 changes since the process of the gate started: reloads, handovers, changed files, logins to the
  admin pages and the like, refused ones too. Older ones are in the logs (docs/changes.md).

{ASKS}
{EXIT_STATUSES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_show_arguments(parser)
    add_page_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show a page of the last changes, the newest first."""
    return show(arguments, Show("changes", ChangeList, change_list), {"page": arguments.page})
