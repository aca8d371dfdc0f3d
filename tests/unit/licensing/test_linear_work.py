"""The work of reading grows with the length of the text, not with its square: counted, not timed."""

from functools import partial

import pytest

from licensegate.licensing.read import read
from support.work import lines_executed

HOSTILE = {
    "blanks": " ",
    "opening parentheses": "(",
    "closing parentheses": ")",
    "dashes": "-",
    "letters": "a",
    "digits": "1 ",
    "colons": "a: ",
    "escapes": "\x1b[0",
    "backspaces": "a\b",
    "quote marks": "> ",
    "dates": "Jan 1 10:00:00 2026 ",
    "tags": "(a) ",
    "lines of one key": "Failure reason: x\n",
    "lines that go on": "Failure reason: x\n" + "y " * 40 + "\n",
    "rows": "name (tag) 1 IN USE\n",
    "regids": "regid.a",
    "headings": "(tag)\nCount: 1\n",
    "members": "Active: PID:a,SN:b\n",
    "tags of XML": "<LicenseDetails><a>",
    "commands": "sw-1#show license all\nsw-1#x\n",
    "prompts": "sw-1#\n",
    "first sentences": "Smart Licensing is ENABLED\n",
    "entities": "&lt;&#1;",
    "escaped line ends": "\\n",
    "soft breaks": "=3D=3D=3D=\n",
    "times before lines": "16:32:56 \n",
    "numbers before lines": "1 x\n",
    "lists of lists": '[["',
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_twice_the_text_is_at_most_twice_the_work(piece: str) -> None:
    read(piece.encode())  # loads the tables
    once, twice = (lines_executed(partial(read, piece.encode() * count)) for count in (300, 600))

    assert twice <= 2.2 * once + 100
