"""`licensegate rules`: shows the rules of the allowlist in force, and how often each applied."""

import argparse
from typing import Final

from licensegate.app.overview.rules import RuleList
from licensegate.app.screen.rules import rule_list

from .showing import ASKS, EXIT_STATUSES, Show, add_show_arguments, show

NOTES: Final = f"""\
{ASKS}
{EXIT_STATUSES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_show_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the rules in their order."""
    return show(arguments, Show("rules", RuleList, rule_list), {})
