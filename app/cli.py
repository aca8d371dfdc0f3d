"""The `licensegate` command: builds the parser from the registry of commands and runs the command that was typed."""

import argparse
import io
import sys
import warnings
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

from .commands import COMMANDS
from .commands.help_texts import SETTINGS, help_texts
from .terminal import complain

_DESCRIPTION: Final = "An HTTPS forward proxy that lets Cisco Smart Licensing out, and nothing else."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv`, by default the arguments of the process, and return its exit status.

    Raises SystemExit for `--help`, for an invalid command line, and where standard output cannot be written.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # prints a path that is not valid text
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn developers, in the words of clients; Python keeps each warning
    typed = sys.argv[1:] if argv is None else argv
    chosen = next((word for word in typed if not word.startswith("-")), "")
    arguments = command_line({chosen}).parse_args(typed)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130  # as a shell reports a program ended by SIGINT


class _Parser(argparse.ArgumentParser):
    """Reports errors as one line, as every command does."""

    def error(self, message: str) -> NoReturn:
        raise SystemExit(complain(f"{message}; see {self.prog} --help"))


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object) -> NoReturn:
        raise SystemExit(_load("version").run(namespace))


def command_line(loaded: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """Make the parser of all commands. It knows the arguments of those in `loaded`, whose modules it loads."""
    parser = _Parser(
        prog="licensegate",
        description=_DESCRIPTION,
        epilog=f"{SETTINGS}\n`licensegate COMMAND --help` shows a command's arguments and exit statuses.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help=COMMANDS["version"])
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    for name, purpose in COMMANDS.items():
        if name in loaded:
            command = _load(name)
            subparser = subparsers.add_parser(name, **help_texts(purpose, command.NOTES))
            command.add_arguments(subparser)
            subparser.set_defaults(run=command.run)
        else:
            subparsers.add_parser(name, help=purpose)
    return parser


def _load(name: str) -> Any:
    """The module of a command."""
    return import_module(f"licensegate.app.commands.{name.replace('-', '_')}")
