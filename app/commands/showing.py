"""What the commands share that show a running gate: options, and how an answer is shown."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from licensegate.app.overview.answer import SCHEMA, Answer
from licensegate.app.terminal import complain, readers_language, say, say_json
from licensegate.language.language import ENGLISH, Language
from licensegate.records.json_errors import JSON_ERRORS

from .gate_answers import GateAnswerError, GateAnswers

if TYPE_CHECKING:
    from licensegate.app.screen.tables import Block
    from licensegate.app.screen.values import Values

ASKS: Final = """\
  The command asks the running gate: over its control socket, which the gate's own user and root may open, else at the
  admin.listen of the settings; with --url another gate. In a pipe it prints plain columns that programs can read,
  with times in UTC, and seconds and bytes as numbers. The texts are in the language of LANG (English, Japanese).
  --json prints the answer of the gate as it is; docs/terminal.md describes both.
"""

EXIT_STATUSES: Final = """\
exit status:
  0  shown
  2  the command line or the settings cannot be used, or no gate answers
"""

_SECONDS: Final = 2.0
_LEAST_SECONDS: Final = 0.5
_MOST_SECONDS: Final = 3600.0

_Answer = TypeVar("_Answer", bound=Answer)


class Show(Struct, Generic[_Answer], frozen=True):
    """What to ask for, and how to show it: the answer `name` of the API, of this type, drawn as blocks."""

    name: str
    type: type[_Answer]
    blocks: "Callable[[_Answer, Values], Sequence[Block]]"


def add_show_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of these commands."""
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")
    whom.add_argument("--url", metavar="URL", help="the admin server to ask, for example http://127.0.0.1:9130")
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="a file with the admin token, for another host")
    parser.add_argument("--json", action="store_true", help="print the answer as one line of JSON")
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        nargs="?",
        type=_seconds,
        const=_SECONDS,
        help=f"show it again every so many seconds, by default {_SECONDS:g}, until Ctrl-C",
    )


def add_page_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option of the commands with long lists."""
    parser.add_argument("--page", metavar="NUMBER", type=_page_number, default="1", help="this page of a long list")


def _page_number(text: str) -> str:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a page, like 2")
    return text


def show(
    arguments: argparse.Namespace,
    wanted: Show[_Answer],
    parameters: Mapping[str, str],
    status_of: Callable[[_Answer], int] = lambda answer: 0,
) -> int:
    """Ask, and show the answer: once, or again and again until Ctrl-C. Returns the exit status."""
    language = ENGLISH if arguments.json else readers_language()
    gate = GateAnswers(arguments.url, arguments.config, arguments.token_file)
    ask = partial(gate.get, wanted.name, {**parameters, "lang": language.code})
    try:
        if arguments.json:
            last = _say_again(ask, _say_answer, arguments.watch)
        elif is_drawn(os.environ):
            last = _draw(ask, wanted, language, arguments.watch)
        else:
            last = _say_again(ask, partial(_say_plain, wanted, language), arguments.watch)
        return status_of(read_answer(last, wanted.type))
    except GateAnswerError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        if arguments.watch is None:
            raise
        return 0


def is_drawn(environ: Mapping[str, str]) -> bool:
    """Whether standard output is a terminal on which one can draw."""
    return sys.stdout.isatty() and environ.get("TERM", "") not in ("", "dumb")


def read_answer(body: bytes, kind: type[_Answer]) -> _Answer:
    """Decode an answer. Raises GateAnswerError if a gate of another release made it."""
    try:
        if msgspec.json.decode(body, type=Answer).schema == SCHEMA:
            return msgspec.json.decode(body, type=kind)
    except JSON_ERRORS:
        pass
    raise GateAnswerError("the gate is of another release than this command: restart it, or use --json")


def _say_again(ask: Callable[[], bytes], say_answer: Callable[[bytes], object], seconds: float | None) -> bytes:
    """Print the answer, and a new one every so many seconds if there is an interval; return the last."""
    while True:
        body = ask()
        say_answer(body)
        if seconds is None:
            return body
        time.sleep(seconds)


def _say_answer(body: bytes) -> None:
    say_json(body.decode(errors="backslashreplace").rstrip("\n"))


def _say_plain(wanted: Show[_Answer], language: Language, body: bytes) -> None:
    from licensegate.app.screen.plain import plain_text

    say(plain_text(_blocks(wanted, language, body, for_people=False)), end="")


def _draw(ask: Callable[[], bytes], wanted: Show[_Answer], language: Language, seconds: float | None) -> bytes:
    """Draw the answer and return it. With an interval, draw new ones in its place, or why there is none."""
    from licensegate.app.screen.drawn import console_here, drawing, screen

    console = console_here()
    body = ask()
    blocks = _blocks(wanted, language, body, for_people=True)
    if seconds is None:
        console.print(drawing(blocks, console))
        return body
    with screen(console) as draw:
        trouble = ""
        while True:
            draw(blocks, trouble)
            time.sleep(seconds)
            trouble = ""
            try:
                body = ask()
                blocks = _blocks(wanted, language, body, for_people=True)
            except GateAnswerError as error:
                trouble = str(error)


def show_once(made_at: datetime, blocks: "Callable[[Values], Sequence[Block]]") -> None:
    """Show blocks of an answer that was made at this time."""
    from licensegate.app.screen.values import Values

    for_people = is_drawn(os.environ)
    made = blocks(Values(readers_language(), made_at, for_people=for_people))
    if for_people:
        from licensegate.app.screen.drawn import console_here, drawing

        console = console_here()
        console.print(drawing(made, console))
    else:
        from licensegate.app.screen.plain import plain_text

        say(plain_text(made), end="")


def _blocks(wanted: Show[_Answer], language: Language, body: bytes, *, for_people: bool) -> "Sequence[Block]":
    from licensegate.app.screen.values import Values

    answer = read_answer(body, wanted.type)
    return wanted.blocks(answer, Values(language, answer.made_at, for_people=for_people))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds from {_LEAST_SECONDS:g} to {_MOST_SECONDS:g}"
        )
    return seconds
