"""Decodes the bytes of a text that somebody pasted or stored."""

import codecs
from typing import Final

LARGEST: Final = 8 * 1024 * 1024
"""The largest text that is read, in bytes; a long `show license tech support` has 20 KB."""

_CUT: Final = "\ufffd"  # a letter that lost its end, if it is the last one


class UnreadableTextError(ValueError):
    """A text that is not one: too large, or binary. The message says what to give instead."""


def decode(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 (as PowerShell writes it); bytes of other encodings are replaced.

    Raises UnreadableTextError if there are more than `LARGEST` bytes.
    """
    if len(data) > LARGEST:
        raise UnreadableTextError(f"it is larger than {LARGEST // 1024 // 1024} MiB; give the output of one command")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace").rstrip(_CUT)
    return data.decode("utf-8-sig", errors="replace").rstrip(_CUT)
