"""Layout of the commands' output: titles with lines beside them, numbers of things, and JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, to_builtins

from licensegate.language.columns import padded
from licensegate.language.language import ENGLISH, N_, Language

_TITLE_WIDTH: Final = 14
_NOTHING: Final = N_("none")


def sections(lines: Mapping[str, Iterable[str]], language: Language = ENGLISH) -> str:
    """Put each title beside its lines, or beside "none" if it has no lines."""
    nothing = language.gettext(_NOTHING)
    return "\n".join(_section(title, list(beside) or [nothing]) for title, beside in lines.items())


def json_text(value: Struct) -> str:
    """A value as one line of JSON. A path in it need not be valid text, so `say_json` may have to escape it."""
    return json.dumps(to_builtins(value), ensure_ascii=False, separators=(",", ":"))


def counted(number: int, thing: str) -> str:
    """Return the number with the thing, in the plural unless it is one."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _section(title: str, lines: list[str]) -> str:
    first, *others = lines
    return "\n".join([f"{padded(title, _TITLE_WIDTH)}{first}", *(f"{'':{_TITLE_WIDTH}}{line}" for line in others)])
