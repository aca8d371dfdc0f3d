"""`licensegate demo`: a gate with stand-ins for Cisco, a company's proxy and clients, for a first look."""

import argparse
from typing import Final

NOTES: Final = """\
  Everything listens on free ports of 127.0.0.1, and neither the internet nor DNS is asked: you need no settings, no
  privilege and no network. The command prints where the gate's page is and what to look at. A gate of your own is left
  alone. The company's proxy needs the extra licensegate[demo]. docs/demo.md has all stories.

exit status:
  0  ended by Ctrl-C or as asked
  1  a process did not start or ended, or with --once the gate did not say what a story tells; the error names it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--once", action="store_true", help="play each story once, ask the gate what it says, and end")
    ends.add_argument("--seconds", type=_seconds, metavar="N", help="end after so many seconds")


def run(arguments: argparse.Namespace) -> int:
    """Play the stories."""
    from licensegate.app.terminal import complain, readers_language, say
    from licensegate.demo.play import play
    from licensegate.demo.processes import DemoError

    try:
        play(readers_language(), say, once=arguments.once, seconds=arguments.seconds)
    except (DemoError, OSError) as error:  # the latter: no process, no descriptor or no room in the temporary folder
        complain(str(error))
        return 1
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
