"""Terminal output of the commands: text on standard output, errors as one line on standard error."""

import os
import sys


def say(text: str, end: str = "\n") -> int:
    """Print the text and return 0. Raises SystemExit if standard output cannot be written."""
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
    line = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    print(f"licensegate: {line}", file=sys.stderr, flush=True)
    return 2
