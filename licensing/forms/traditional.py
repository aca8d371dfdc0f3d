"""Recognises licences that are not Smart Licensing at all: licence files and activation keys bound to a device."""

import re
from typing import Final

from ..text.lines import PrintedLine
from ..text.vocabulary import split_key

_NXOS_HEADER: Final = re.compile(r"feature\s+ins\s+lic\b", re.IGNORECASE)
_IOS_KEYS: Final = frozenset(["period left", "license state", "license priority"])
_SENTENCES: Final = (
    "licensed features for this platform",
    "running permanent activation key",
    "running activation key",
    "serial number of license file",
    "license store: primary",
)


def is_traditional(lines: list[PrintedLine]) -> bool:
    """Whether these lines are the output of NX-OS, IOS or ASA about licence files and activation keys."""
    return any(
        _NXOS_HEADER.match(line.text)
        or split_key(line.text)[0] in _IOS_KEYS
        or line.text.lower().startswith(_SENTENCES)
        for line in lines
    )
