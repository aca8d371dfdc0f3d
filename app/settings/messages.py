"""Formats values and types of the settings for error messages, and guesses what was meant."""

import difflib
import json
import re
from collections.abc import Iterable
from typing import Final

from msgspec import inspect

_LONGEST: Final = 60
_SHORTEST: Final = 3  # letters that tell which name they begin

_WHOLE: Final = re.compile("[0-9]{1,12}")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(f"([0-9]{{1,9}}) ?({'|'.join(_SECONDS)})")
"""A number of seconds as other programs take it. All numbers that need not be whole are seconds, or per second."""

PER_SECOND: Final = {"per": "second"}
"""Marks a number per second in the schema (`Meta.extra`)."""

_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?: ?(?:r?/ ?|per )(s|m|h|sec|min|hour|second|minute))?")
_SECONDS_OF_UNIT: Final = {"s": 1, "m": 60, "h": 3600}
"""By the first letter of the unit."""

_TRUTHS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}
"""What other programs call true and false."""


def shown(value: object) -> str:
    """A value as the file has it, on one line, without control characters, cut to 60 characters."""
    match value:
        case bool():
            text = str(value).lower()
        case str():
            text = json.dumps(value, ensure_ascii=not value.isprintable())
        case dict():
            text = "a table"
        case list():
            text = "a list"
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def expected(kind: inspect.Type) -> str:
    """Describe the values that a type of the schema allows."""
    match kind:
        case inspect.StructType():
            return "a table"
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return "a list of tables"
        case inspect.VarTupleType():
            return 'a list of texts, like ["one", "two"]'
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(shown(value) for value in values)}"
        case inspect.EnumType(cls=members):
            return f"one of {', '.join(shown(member.value) for member in members)}"
        case inspect.UnionType(types=(said, inspect.NoneType())):  # None where it is left out
            return expected(said)
        case inspect.Metadata(type=said):
            return expected(said)
        case inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case inspect.FloatType(ge=low, le=high):
            return f"a number from {low} to {high}"
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return 'a text in quotes, like "this"'
        case _:
            raise TypeError(f"the schema of the settings has a type without a description: {kind}")


def corrected(value: object, kind: inspect.Type) -> str:
    """What to write for a value that only has the wrong form, such as a number in quotes; empty if it means nothing."""
    match kind, value:
        case inspect.UnionType(types=(said, inspect.NoneType())), _:
            return corrected(value, said)
        case inspect.Metadata(type=inspect.FloatType(le=high), extra=extra), str() if extra == PER_SECOND:
            per_second = _rate(value.strip())
            return f"{per_second:g}" if 0 <= per_second <= (high or per_second) else ""
        case ((inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high)), str()):
            number = _DURATION.fullmatch(value.strip()) if isinstance(kind, inspect.FloatType) else None
            whole = int(number[1]) * _SECONDS[number[2]] if number else int(value) if _WHOLE.fullmatch(value) else -1
            return str(whole) if whole >= 0 and (low or 0) <= whole <= (high or whole) else ""
        case inspect.BoolType(), str() | int() | float():
            return truth(str(value))
        case inspect.LiteralType(values=values), str():
            return _in_quotes(value, map(str, values))
        case inspect.EnumType(cls=members), str():
            return _in_quotes(value, (str(member.value) for member in members))
        case inspect.VarTupleType(item_type=inspect.StrType()), str():
            return f"[{shown(value)}]"
        case inspect.VarTupleType(item_type=inspect.LiteralType(values=values)), str():
            alike = _in_quotes(value, map(str, values))
            return f"[{alike}]" if alike else ""
        case _:
            return ""


def truth(text: str) -> str:
    """`true` or `false` for what other programs call so; empty for any other text."""
    return _TRUTHS.get(text.lower(), "")


def _rate(text: str) -> float:
    """The number per second that a text means: `5`, `5/s`, `30r/m`, `30 per minute`. -1 if it means none."""
    rate = _RATE.fullmatch(text)
    return float(rate[1]) / (_SECONDS_OF_UNIT[rate[2][0]] if rate[2] else 1) if rate else -1


def _in_quotes(value: str, known: Iterable[str]) -> str:
    """The known text that this one differs from in its case, or by a slip, in quotes; empty without one."""
    alike = nearest(value.strip(), known)
    return shown(alike) if alike else ""


def nearest(name: str, known: Iterable[str], at_least: float = 0.6) -> str:
    """The known name that an unknown one begins or is most like; empty if none is. `at_least` is difflib's ratio."""
    names = {spelling.lower(): spelling for spelling in sorted(known)}
    longer = [spelling for lower, spelling in names.items() if lower.startswith(name.lower())]
    if len(name) >= _SHORTEST and len(longer) == 1:
        return longer[0]
    alike = difflib.get_close_matches(name.lower(), names, 1, at_least)
    return names[alike[0]] if alike else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the known name most like an unknown one, else list all known names."""
    alike = nearest(name, known)
    return f"did you mean {alike}?" if alike else f"known here: {', '.join(sorted(known))}"
