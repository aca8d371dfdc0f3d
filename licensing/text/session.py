"""Tells the commands of a terminal session from what they printed. Its work is linear in the text.

A paste may hold what several devices printed: a prompt tells where one ends and the next begins, and so does the
sentence that begins an output.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from .vocabulary import RULER, heading_of

_PROMPT: Final = r"(?:[\w.@/:()~\[\]-]{0,64}[#>$%]|admin:)"
_BARE_PROMPT: Final = re.compile(rf"{_PROMPT}\s*")
_COMMAND: Final = re.compile(
    rf"(?:(?P<prompt>{_PROMPT})\s*)?(?:do )?"
    r"(?:(?:(?:ssh|plink)\s(?P<way>.{0,100}?)\s['\"]?)?(?:sho?w?|xstatus)\s+(?!:).{0,100}lic.{0,100}"
    r"|(?(prompt)licen[cs]e smart\b.{0,100}|(?!))"
    r"|run sql\s.{0,400}\bslm.{0,100})",
    re.IGNORECASE,
)
_MODE: Final = re.compile(r"(?:\([^()]*\))?[#>$%:]$")
_FIRST_SENTENCE: Final = re.compile(r"\s*Smart Licensing is (?:en|dis)abled\s*", re.IGNORECASE)
_LEAST_PROMPT: Final = 3  # a shorter one may end a line by chance


class RawLine(Struct, frozen=True):
    """One line as the product printed it. `pasted` is its length before anything was removed: wrapping counts that."""

    text: str
    pasted: int


class SessionPart(Struct):
    """What one command printed.

    `device` is the prompt without its mode, empty if none was seen. `is_other` if the command was not about licences.
    """

    device: str = ""
    is_other: bool = False
    lines: list[RawLine] = []


class _Prompts:
    """The prompts before the commands of a session: `whole` as they stand, `devices` without their mode."""

    def __init__(self, commands: Iterable[re.Match[str]]) -> None:
        self.whole = {found["prompt"] for found in commands if found["prompt"]}
        self.devices = {_MODE.sub("", prompt) for prompt in self.whole} - {""}

    def device_before(self, line: str) -> str | None:
        """The device whose prompt begins this line, in any mode; None without one."""
        for device in self.devices:
            if line.startswith(device) and re.match(r"(?:\([\w./-]{0,40}\))?[#>$%:]", line[len(device) :]):
                return device
        return None

    def without_prompt(self, line: str) -> str:
        """A line without the prompt that stands at its end where the product printed no line feed."""
        bare = line.rstrip()
        for prompt in self.whole:
            if len(prompt) >= _LEAST_PROMPT and bare.endswith(prompt):
                return bare[: -len(prompt)]
        return line

    def may_begin_with(self, line: str) -> bool:
        """Whether this is the beginning of a prompt."""
        return any(prompt.startswith(line) for prompt in self.whole)


def session_parts(lines: Sequence[RawLine], unfinished: bool) -> tuple[list[SessionPart], bool]:
    """What each command printed, and whether the last line may have been cut. Without commands it is one part."""
    commands = [_COMMAND.fullmatch(line.text.strip()) for line in lines]
    prompts = _Prompts(found for found in commands if found is not None)
    parts = [SessionPart()]
    for number, (line, command) in enumerate(zip(lines, commands, strict=True)):
        stripped = line.text.strip()
        is_last = number == len(lines) - 1
        if command is not None:
            device = _MODE.sub("", command["prompt"]) if command["prompt"] else parts[-1].device
            parts.append(SessionPart(f"{device} {command['way']}" if command["way"] else device))
        elif (other := prompts.device_before(stripped)) is not None:
            if _BARE_PROMPT.fullmatch(stripped) is None and not (is_last and unfinished):
                parts.append(SessionPart(other, is_other=True))
        elif stripped and (
            _BARE_PROMPT.fullmatch(stripped) or (is_last and unfinished and prompts.may_begin_with(stripped))
        ):
            pass
        else:
            kept = prompts.without_prompt(line.text)
            parts[-1].lines += [line] if kept == line.text else [RawLine(kept, line.pasted)]
            if not is_last or kept == line.text:
                continue
        unfinished = unfinished and not is_last  # a prompt stands behind whole lines
    return [piece for part in parts for piece in _split_at_sentence(part) if piece.lines], unfinished


def _split_at_sentence(part: SessionPart) -> list[SessionPart]:
    """Split where a second output begins: at its first sentence, with the headings above it."""
    starts = [number for number, line in enumerate(part.lines) if _FIRST_SENTENCE.fullmatch(line.text)]
    if part.is_other or len(starts) < 2:
        return [part]
    edges = [0]
    for start in starts[1:]:
        while start > edges[-1] and _is_heading(part.lines[start - 1].text.strip()):
            start -= 1
        edges.append(start)
    edges.append(len(part.lines))
    return [SessionPart(part.device, lines=part.lines[begin:end]) for begin, end in pairwise(edges)]


def _is_heading(text: str) -> bool:
    return not text or RULER.fullmatch(text) is not None or heading_of(text).startswith("smart ")
