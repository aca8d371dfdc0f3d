"""A target: one parser, what it may raise, and what must hold of its results."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

LONGEST_MESSAGE = 8000
"""Characters of an error's text, which may list all settings that there are."""

_FOLDER = tempfile.TemporaryDirectory(prefix="licensegate-fuzz-")


def holds_nothing_more(_data: bytes, _outcome: object) -> None:
    """A target without a property of its own: it only may not raise."""


class FuzzTarget(Struct, frozen=True, kw_only=True):
    """One parser of bytes from outside.

    `read` gets the bytes; it may raise what `refuses` names, and the message of that is one printable line. `holds`
    gets the bytes and the result, or the error, and asserts what else is promised. `seeds` are examples, `words` the
    pieces that the format is made of, `largest` is the longest input that is made up, in bytes.
    """

    name: str
    read: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...] = ()
    holds: Callable[[bytes, Any], None] = holds_nothing_more
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]
    largest: int = 4096

    def check(self, data: bytes) -> None:
        """Read the bytes and assert what must hold. Raises whatever is wrong."""
        outcome = self.outcome(data)
        if isinstance(outcome, self.refuses):
            assert_one_line(str(outcome))
        self.holds(data, outcome)

    def outcome(self, data: bytes) -> object:
        """The result, or the error that the parser may raise."""
        try:
            return self.read(data)
        except self.refuses as error:
            return error


def assert_one_line(message: str) -> None:
    """An error for people is one line without anything that a terminal or a log would obey."""
    assert message
    assert message.isprintable(), message
    assert len(message) <= LONGEST_MESSAGE


def assert_prefixes_agree(verdict: Callable[[bytes], object], data: bytes) -> None:
    """The shortest prefix that allows a verdict decides it: bytes behind it change nothing, nor does how they arrive.

    `verdict` returns None while there is none. Of a long input some prefixes are looked at.
    """
    whole = verdict(data)
    for size in range(0, len(data), max(1, len(data) // 48)):
        part = verdict(data[:size])
        assert part is None or part == whole, f"{part} after {size} bytes, {whole} after {len(data)}"


def pieces(data: bytes, size: int) -> Iterable[bytes]:
    """The bytes in pieces of this size."""
    return (data[start : start + size] for start in range(0, len(data), size))


def as_file(data: bytes, name: str = "content") -> Path:
    """A file with these bytes. The next one of the same name replaces it."""
    path = Path(_FOLDER.name) / name
    path.write_bytes(data)
    return path


LARGE_JSON: Final = (b"[" * 2000, b'{"a":' * 600, b"9" * 400)
"""Words that make JSON nest deep, or a number in it long."""


def listed(text: str) -> tuple[bytes, ...]:
    r"""The words in a text, with escapes as in Python: a blank within one is `\x20`."""
    return tuple(word.encode().decode("unicode_escape").encode("latin-1") for word in text.split())
