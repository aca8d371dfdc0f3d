"""What the command says to whoever typed it: text on standard output, errors in one line on standard error."""

import os
import sys


def say(text: str, end: str = "\n") -> int:
    """Print it; 0, or SystemExit where nobody takes it."""
    try:
        print(text, end=end, flush=True)
    except OSError as error:
        # The text still buffered would fail once more when Python exits, and say so in its own way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            complain(f"cannot write to standard output: {error.strerror}")
        raise SystemExit(2) from None
    return 0


def complain(text: str) -> int:
    """Print it as an error; the exit status for what cannot be done as it was typed."""
    line = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    print(f"licensegate: {line}", file=sys.stderr, flush=True)
    return 2
