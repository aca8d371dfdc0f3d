"""`licensegate status`: shows how the running gate stands, what needs attention first."""

import argparse
from typing import Final

from licensegate.app.overview.overview import Overview
from licensegate.app.screen.status import status

from .showing import ASKS, Show, add_show_arguments, show

NOTES: Final = f"""\
{ASKS}
exit status:
  0  nothing needs attention; always with --watch
  1  something needs attention: the level is warning or critical
  2  the command line or the settings cannot be used, or no gate answers
"""

add_arguments = add_show_arguments


def run(arguments: argparse.Namespace) -> int:
    """Show the overview."""
    return show(
        arguments, Show("overview", Overview, status), {}, lambda answer: answer.level in ("warning", "critical")
    )
