"""Removes what terminals, pagers and mail programs add to a pasted text. Its work is linear in the text's length.

Removed are byte-order marks, carriage returns, ANSI sequences, characters struck over, pager prompts, quote marks of
mails, and the prompts and commands of the session. Leading and trailing blanks of lines stay: `lines` needs them.
"""

import codecs
import re
from typing import Final

from msgspec import Struct

LARGEST: Final = 8 * 1024 * 1024
"""The largest text that is read, in bytes; a long `show license tech support` has 20 KB."""


MOST_LINES: Final = 100_000
"""The most lines that are read, in about a second; a long `show license tech support` has 500."""


class UnreadableTextError(ValueError):
    """A text that is not one: too large, or binary. The message says what to give instead."""


class PrintedLines(Struct, frozen=True):
    """The lines that the product printed. `unfinished` is true if the last one has no end: it may have been cut."""

    lines: list[str]
    unfinished: bool


def decode(data: bytes) -> str:
    """Decode UTF-8 or UTF-16 (as PowerShell writes it); bytes of other encodings are replaced.

    Raises UnreadableTextError if there are more than `LARGEST` bytes.
    """
    if len(data) > LARGEST:
        raise UnreadableTextError(f"it is larger than {LARGEST // 1024 // 1024} MiB; give the output of one command")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


_DELETED: Final = dict.fromkeys((*range(32), 127, 8203, 8206, 8207, 8288, 173, 65279))
_TRANSLATED: Final = _DELETED | {
    0x08: "\b", 0x09: "\t", 0x0A: "\n", 0x0D: "\r", 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n",
    0xA0: " ", 0x2007: " ", 0x202F: " ", 0x3000: " ",
}  # fmt: skip
_LINE_END: Final = re.compile(r"\r{0,9}\n")
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_PAGER: Final = re.compile(r"<?-{2,4} ?More ?(?:\(\d{1,3}%\))? ?-{2,4}>?[ \t\b]*", re.IGNORECASE)
_PAGER_LINE: Final = re.compile(r"(?:Press <(?:enter|space|any key)|lines \d+-\d+|\(END\))", re.IGNORECASE)
_QUOTE: Final = re.compile(r"[ \t]*(?:> ?)+")
_PROMPT: Final = r"[\w.@/:()~\[\]-]{0,64}"
_BARE_PROMPT: Final = re.compile(rf"(?:{_PROMPT}[#>$%]|admin:)\s*")
_COMMAND: Final = re.compile(
    rf"(?:(?:{_PROMPT}[#>$%]|admin:)\s*)?(?:do )?(?:sho?w?|xstatus)\s+(?!:).{{0,100}}lic.{{0,100}}", re.IGNORECASE
)


def printed_lines(text: str) -> PrintedLines:
    """Return the lines that the product printed, without trailing carriage returns and with tabs expanded.

    Raises UnreadableTextError if there are more than `MOST_LINES`.
    """
    text = _ANSI.sub("", text.translate(_TRANSLATED | {0x1B: "\x1b"})).replace("\x1b", "")
    if "\n" not in text:
        text = text.replace("\r", "\n")  # lines of old Macs
    text = _LINE_END.sub("\n", text)
    raw = text.split("\n")
    if len(raw) > MOST_LINES:
        raise UnreadableTextError(f"it has more than {MOST_LINES} lines; give the output of one command")
    unfinished = bool(raw[-1].strip())
    lines: list[str] = []
    for number, line in enumerate(raw):
        kept = list(_kept(line))
        if number == len(raw) - 1 and not kept:
            unfinished = False  # the session's prompt, behind a whole line
        lines += kept
    return PrintedLines(lines, unfinished)


def _kept(line: str) -> list[str]:
    """What is left of one line: usually itself; nothing if it was added; several if a carriage return parted it."""
    if quote := _QUOTE.match(line):
        line = line[quote.end() :]
    had_pager = "ore" in line.lower() and _PAGER.search(line) is not None
    if had_pager:
        line = _PAGER.sub("", line)
    if "\b" in line:
        line = _struck_over(line)
    line = line.rstrip("\r")
    if "\r" in line:
        return [part.expandtabs() for part in line.split("\r") if part.strip()]
    stripped = line.strip()
    if not stripped:
        return [] if had_pager else [""]
    if _PAGER_LINE.match(stripped) or _BARE_PROMPT.fullmatch(stripped) or _COMMAND.fullmatch(stripped):
        return []
    return [line.expandtabs()]


def _struck_over(line: str) -> str:
    """Apply backspaces, as a terminal does."""
    shown: list[str] = []
    for character in line:
        if character != "\b":
            shown.append(character)
        elif shown:
            shown.pop()
    return "".join(shown)
