"""What decoding JSON from outside raises."""

from typing import Final

import msgspec

JSON_ERRORS: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""It is not JSON or not of the type; it is not UTF-8, or a number or time is out of range; it is nested too deeply."""
