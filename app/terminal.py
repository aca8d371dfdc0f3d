"""Terminal output of the commands: text on standard output, errors as one line on standard error.

Text from clients and files is escaped, so that it can neither move the cursor nor reverse the line.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final
from unicodedata import category

if TYPE_CHECKING:
    from licensegate.language.language import Language

STANDARD_OUTPUT: Final = 1
STANDARD_ERROR: Final = 2


def say(text: str, end: str = "\n") -> int:
    """Print the text and return 0. On a terminal, what is not printable is escaped, but not tabs and ends of lines.

    Raises SystemExit if standard output cannot be written.
    """
    return _print(_safe(text, escaped), end)


def say_json(text: str, end: str = "\n") -> int:
    """Print JSON as `say` does; on a terminal it is escaped as JSON is, so that it can still be read."""
    return _print(_safe(text, lambda character: json.dumps(character)[1:-1]), end)


def _safe(text: str, escape: Callable[[str], str]) -> str:
    if not sys.stdout.isatty():
        return text
    return "".join(each if _is_harmless(each) or each in "\n\t" else escape(each) for each in text)


def _print(text: str, end: str) -> int:
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        # Python would flush the buffered text again at exit, fail again and print a message of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            complain(f"cannot write to standard output: {error.strerror}")
        raise SystemExit(2) from None
    return 0


def complain(text: str) -> int:
    """Print an error as one line and return 2, the exit status of an unusable command line, setting or file."""
    priority = ""
    if is_journal(STANDARD_ERROR, os.environ):
        priority = "<4>" if text.startswith("warning: ") else "<3>"
    print(f"{priority}licensegate: {escaped(text)}", file=sys.stderr, flush=True)
    return 2


def readers_language(environ: Mapping[str, str] = os.environ, encoding: str | None = None) -> "Language":
    """The language of the locale; English if standard output, or this encoding, cannot show its letters."""
    from licensegate.language.language import ENGLISH, language_of  # few commands need it

    language = language_of(environ)
    try:
        language.name.encode(encoding or sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ENGLISH
    return language


def escaped(text: str) -> str:
    """The text as one line that is safe on a terminal: control and bidirectional characters become escapes."""
    if text.isprintable():
        return text
    return "".join(character if _is_harmless(character) else ascii(character)[1:-1] for character in text)


def _is_harmless(character: str) -> bool:
    """Whether it only shows a sign or a blank, such as the wide one of Japanese, which counts as not printable."""
    return character.isprintable() or category(character) == "Zs"


def is_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether this stream goes to systemd's journal, which reads a priority from `<N>` before a line (sd-daemon(3)).

    JOURNAL_STREAM has its device and inode; a stream that was redirected has others (systemd.exec(5)).
    """
    named = environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return named == f"{status.st_dev}:{status.st_ino}"


def is_coloured(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether this stream shows colours: a terminal that can, and no NO_COLOR (no-color.org)."""
    return os.isatty(descriptor) and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb"
