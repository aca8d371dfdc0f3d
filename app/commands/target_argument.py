"""A target as people type it on the command line."""

import os
from typing import Final

from licensegate.allowlist.target import Target, parse_authority

_HTTPS: Final = 443


def target_argument(text: str) -> Target:
    """Return the target of HOST:PORT, or of HOST alone with the port of HTTPS. Raises TargetError."""
    has_port = ":" in text.rpartition("]")[2]
    return parse_authority(os.fsencode(text if has_port else f"{text}:{_HTTPS}"))
