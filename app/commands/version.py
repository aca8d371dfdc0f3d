"""`licensegate version`: the version and the git revision."""

import argparse
from typing import Final

from licensegate.app.terminal import say
from licensegate.app.version import full_version

NOTES: Final = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Print both."""
    return say(f"licensegate {full_version()}")
