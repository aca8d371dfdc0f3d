"""Targets as people type them on the command line."""

import argparse
import os
from typing import Final

from licensegate.allowlist.target import Target, parse_authority

_HTTPS: Final = 443


def add_targets(parser: argparse.ArgumentParser) -> None:
    """Add the argument TARGET, which may be repeated or left out."""
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="HOST or HOST:PORT; by default every target that the allowlist names in full",
    )


def target_argument(text: str) -> Target:
    """Return the target of HOST:PORT, or of HOST alone with the port of HTTPS. Raises TargetError."""
    has_port = ":" in text.rpartition("]")[2]
    return parse_authority(os.fsencode(text if has_port else f"{text}:{_HTTPS}"))
