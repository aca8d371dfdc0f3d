"""Removes what terminals, pagers and mail programs add to a pasted text. Its work is linear in the text's length.

Removed are byte-order marks, carriage returns, ANSI sequences, characters struck over, pager prompts, quote marks of
mails, what stands before every line (`decoration`), and the prompts and commands of the session (`session`). Leading
and trailing blanks of lines stay, unless every line has them: `lines` needs them to join what a terminal wrapped.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from .decode import UnreadableTextError
from .decoration import without_prefixes
from .session import RawLine, session_parts

MOST_LINES: Final = 100_000
"""The most lines that are read, in about a second; a long `show license tech support` has 500."""


class PrintedLines(Struct, frozen=True):
    """The lines that a product printed. `unfinished` is true if the last one has no end: it may have been cut.

    `device` is the prompt before the command, empty if none was seen. `is_other` if it was not about licences.
    """

    lines: list[RawLine]
    unfinished: bool
    device: str = ""
    is_other: bool = False


_DELETED: Final = dict.fromkeys((*range(32), 127, 8203, 8206, 8207, 8288, 173, 65279))
_TRANSLATED: Final = _DELETED | {
    0x1B: "\x1b", 0x07: "\a",
    0x08: "\b", 0x09: "\t", 0x0A: "\n", 0x0D: "\r", 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n",
    0xA0: " ", 0x2007: " ", 0x202F: " ", 0x3000: " ", 0xFF1A: ": ",
    0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0x2212: "-",
}  # fmt: skip
_LINE_END: Final = re.compile(r"\r{0,9}\n")
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
_JOINT: Final = "\x1f"  # where an ANSI sequence was wrapped
_CUT_ANSI: Final = re.compile(r"(\x1b(?:\[[0-9;]{0,16})?)\n(\[?[0-9;]{0,16}[mK])")
_SHOWN_ANSI: Final = re.compile(r"(?:\^\[|\u241b)\[[0-9;]{0,16}[A-Za-z]")
_PAGER: Final = re.compile(
    r" ?<?-{2,4} ?More ?(?:[(\[]\d{1,3}%[)\]])? ?-{2,4}>?(?: {0,2}[(\[][^()\[\]]{1,40}[)\]]| {1,2}or \(q\)uit)?"
    r"(?:(?:[ \t]{0,80}\x08)+| )?",
    re.IGNORECASE,
)
_PAGER_LINE: Final = re.compile(
    r"(?:-+ ?)?(?:Press|Hit|Type|Strike) (?:<(?:enter|return|space|any key)|any key|enter|return|space)\b"
    r"|lines \d+-\d+|\(END\)",
    re.IGNORECASE,
)
_FENCE: Final = re.compile(r"\s*(?:`{3}|~{3})\w{0,20}\s*")
_QUOTE: Final = re.compile(r"[ \t]*(?:> ?)+")


def printed_outputs(text: str) -> list[PrintedLines]:
    """Return the lines that each command printed, without trailing carriage returns and with tabs expanded.

    There is at least one, perhaps without lines. Raises UnreadableTextError if there are more than `MOST_LINES`.
    """
    text = text.translate(_TRANSLATED).replace("REGID.", "regid.")
    if "\n" not in text:
        text = text.replace("\r", "\n")  # lines of old Macs
    text = _CUT_ANSI.sub(rf"\1{_JOINT}\2", _LINE_END.sub("\n", text))
    raw = text.split("\n")
    if len(raw) > MOST_LINES:
        raise UnreadableTextError(f"it has more than {MOST_LINES} lines; give the output of one command")
    unfinished = bool(raw[-1].strip())
    lines: list[RawLine] = []
    for number, line in enumerate(without_prefixes(raw), 1):
        pasted = len(line) - line.rfind(_JOINT) - 1
        kept = [RawLine(text, pasted) for text in _kept(line.replace(_JOINT, ""))]
        unfinished = unfinished and (bool(kept) or number < len(raw))  # a pager's prompt, behind a whole line
        lines += kept
    parts, unfinished = session_parts(lines, unfinished)
    last = parts[-1] if parts else None
    return [
        PrintedLines(_without_margins(part.lines), unfinished and part is last, part.device, part.is_other)
        for part in parts
    ] or [PrintedLines([], False)]


def _kept(line: str) -> list[str]:
    """What is left of one line: usually itself; nothing if it was added; several if a carriage return parted it."""
    if "\x1b" in line:
        line = _ANSI.sub("", line).replace("\x1b", "")
    line = line.replace("\a", "")
    if "^[" in line or "\u241b" in line:
        line = _SHOWN_ANSI.sub("", line)
    had_pager = "ore" in line.lower() and _PAGER.search(line) is not None
    if had_pager:
        line = _PAGER.sub("", line)
    if "\b" in line:
        line = _struck_over(line)
    parts = [_unquoted(part).expandtabs() for part in line.rstrip("\r").split("\r")]
    if not line.strip() or _FENCE.fullmatch(line):
        return [] if had_pager else [""]
    return [part for part in parts if part.strip() and not _PAGER_LINE.match(part.strip())] or (
        [""] if len(parts) == 1 and not parts[0].strip() else []
    )


def _unquoted(line: str) -> str:
    """A line without the quote marks of mails."""
    quote = _QUOTE.match(line)
    return line if quote is None else line[quote.end() :]


def _margin(blanks: Sequence[int]) -> int:
    """The fewest blanks, if a tenth of the lines have as many: else they are those of a wrapped line or two."""
    least = min(blanks, default=0)
    return least if blanks.count(least) * 10 >= len(blanks) else 0


def _without_margins(lines: list[RawLine]) -> list[RawLine]:
    """Remove the blanks that stand before, or behind, every line."""
    texts = [line.text for line in lines if line.text.strip()]
    left = _margin([len(text) - len(text.lstrip()) for text in texts])
    right = _margin([len(text) - len(text.rstrip()) for text in texts])
    if not left and not right:
        return lines
    return [RawLine(line.text[left : max(left, len(line.text) - right)], line.pasted) for line in lines]


def _struck_over(line: str) -> str:
    """Apply backspaces, as a terminal does."""
    shown: list[str] = []
    for character in line:
        if character != "\b":
            shown.append(character)
        elif shown:
            shown.pop()
    return "".join(shown)
