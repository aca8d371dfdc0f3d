"""Where everything of the demo listens."""

from typing import Final

LOOPBACK: Final = "127.0.0.1"
