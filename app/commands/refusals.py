"""`licensegate refusals`: shows the last connections that failed, each with what happened and what to change."""

import argparse
from typing import Final

from licensegate.app.overview.refusals import RefusalList
from licensegate.app.screen.refusals import refusal_list

from .showing import ASKS, EXIT_STATUSES, Show, add_show_arguments, show

NOTES: Final = f"""\
{ASKS}
{EXIT_STATUSES}"""

add_arguments = add_show_arguments


def run(arguments: argparse.Namespace) -> int:
    """Show the failures, the newest first."""
    return show(arguments, Show("refusals", RefusalList, refusal_list), {})
