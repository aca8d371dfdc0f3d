"""`licensegate version`: the version of the installed package."""

import argparse
from importlib.metadata import version
from typing import Final

from licensegate.app.terminal import say

NOTES: Final = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Print the version."""
    return say(f"licensegate {version('licensegate')}")
