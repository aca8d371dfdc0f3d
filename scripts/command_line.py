"""Write the manual page and the shell completions from the parser of the command line: `make command-line`.

They are in deploy/share, laid out as below /usr/share, from where a wheel takes them. A test holds them equal to what
the parser says. They have no date and no version, so that only a change of the command line changes them.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from licensegate.app.cli import command_line
from licensegate.app.commands.help_texts import SETTINGS

SHARE = Path(__file__).resolve().parents[1] / "deploy" / "share"
PURPOSE = "an HTTPS forward proxy for Cisco Smart Licensing"
SEE_ALSO = "The documents of LicenseGate, in docs/ of its checkout, explain settings, outcomes, findings and pages."
_FILES = ("FILE", "LOG", "CERT", "KEY")
_FOLDERS = ("DIR",)
_ENTRY = re.compile(r"  (\S+) {2,}(\S.*)")
"""A word and its meaning: `  0  done`."""

_CONTINUED = re.compile(r" {5}")
"""A line that continues a meaning; an example has 4 blanks."""


def files() -> dict[Path, str]:
    """Each file with its text."""
    return {
        SHARE / "man/man1/licensegate.1": manual_page(),
        SHARE / "bash-completion/completions/licensegate": completion("bash"),
        SHARE / "zsh/site-functions/_licensegate": completion("zsh"),
    }


def manual_page() -> str:
    """The manual page, in roff. The notes of each command, with its exit statuses, stand in its description."""
    parser = command_line()
    parser.epilog = None
    for each in _parsers(parser):
        if each is not parser:
            notes = (each.epilog or "").removesuffix(SETTINGS)
            each.description = "\n".join([each.description or "", *roff(notes)])
        each.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=78)
    page = Manpage(parser)
    page.description = PURPOSE
    page.manual, page.source, page.date = "LicenseGate", "LicenseGate", ""
    page.synopsis = ["licensegate", "COMMAND", "[argument ...]"]
    for title, text in _titled(SETTINGS):
        page.add_section(title, ">", page.format_text("\n".join(roff(text))))
    page.add_section("see also", ">", page.format_text(SEE_ALSO))
    return str(page)


def completion(shell: str) -> str:
    """The completion of a shell. Arguments that name a file or a folder are completed with those."""
    parser = command_line()
    for each in _parsers(parser):
        for action in each._actions:
            if action.metavar in _FOLDERS:
                action.complete = shtab.DIRECTORY
            elif action.metavar in _FILES:
                action.complete = shtab.FILE
    return shtab.complete(parser, shell=shell)


def roff(text: str) -> Iterator[str]:
    """Notes as lines of roff, not escaped yet: paragraphs, lists of words with their meaning, and examples."""
    for paragraph in filter(None, text.strip("\n").split("\n\n")):
        yield ".PP"
        is_example = False
        for line in paragraph.split("\n"):
            if line.lstrip().startswith((".", "'")):
                raise ValueError(f"roff would take this line for a command: {line!r}")
            entry = _ENTRY.fullmatch(line)
            if line.startswith("    ") != is_example and not _CONTINUED.match(line):
                is_example = not is_example
                yield from (".nf", ".RS 4") if is_example else (".RE", ".fi")
            if entry is not None and not is_example:
                yield from (".TP", entry[1])
                line = entry[2]
            yield line.strip()
        if is_example:
            yield from (".RE", ".fi")


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser, and those of its commands and their actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _parsers(each)


def _titled(text: str) -> Iterator[tuple[str, str]]:
    """The parts of a help text: each begins with a title of its own, such as `settings:`."""
    for part in text.strip("\n").split("\n\n"):
        title, _, rest = part.partition(":\n")
        yield title, rest


def main() -> int:
    """Write the files."""
    for file, text in files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
