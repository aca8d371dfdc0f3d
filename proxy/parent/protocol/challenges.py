"""Reads the challenges of a 407 from its Proxy-Authenticate fields (RFC 9110 sections 11.3 and 11.6.1). No I/O.

Commas separate both the challenges and the parameters within one, so the form of each element decides which it is.
A parameter's value is taken as it stands if it is quoted wrongly: proxies write realms in every way. Other elements
that cannot be read are ignored.
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from ...wire.http_token import TOKEN

_WORD: Final = TOKEN.decode("ascii")
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_element: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^,"])+')  # an unclosed quote reaches to the end
_parameter: Final = re.compile(rf"({_WORD})[\t ]*=[\t ]*(.*)", re.DOTALL)
_value: Final = re.compile(rf"{_WORD}|{_QUOTED}")
_begins_challenge: Final = re.compile(rf"({_WORD})(?:[\t ]+(.*))?", re.DOTALL)
_token68: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_escaped: Final = re.compile(r"\\(.)")


class Challenge(Struct, frozen=True):
    """One challenge: a scheme with either parameters or a token. Scheme and parameter names are in lower case.

    Each character is one byte of the parent's: `realm.encode("latin-1")` is what it sent.
    """

    scheme: str
    parameters: dict[str, str] = {}
    token: str = ""


def read_challenges(values: Iterable[bytes]) -> tuple[Challenge, ...]:
    """The challenges in these field values, in order. A value that cannot be read spoils no other."""
    return tuple(challenge for value in values for challenge in _read_value(value.decode("latin-1")))


def _read_value(value: str) -> list[Challenge]:
    challenges: list[Challenge] = []
    for element in _element.findall(value):
        _read_element(element.strip("\t "), challenges)
    return challenges


def _read_element(element: str, challenges: list[Challenge]) -> None:
    """Add a challenge, or a parameter to the last one."""
    parameter = _parameter.fullmatch(element)
    if parameter is not None:
        if challenges:
            challenges[-1].parameters.setdefault(parameter[1].lower(), _unquoted(parameter[2]))
        return
    begun = _begins_challenge.fullmatch(element)
    if begun is None:
        return
    scheme, rest = begun[1].lower(), (begun[2] or "").strip("\t ")
    parameter = _parameter.fullmatch(rest)
    if parameter is not None and (_value.fullmatch(parameter[2]) or not _token68.fullmatch(rest)):
        challenges.append(Challenge(scheme, {parameter[1].lower(): _unquoted(parameter[2])}))
    elif _token68.fullmatch(rest):
        challenges.append(Challenge(scheme, {}, rest))
    elif not rest or scheme == "basic":  # whatever follows: its realm is only for people
        challenges.append(Challenge(scheme))


def _unquoted(value: str) -> str:
    """The value of a parameter without its quotes; unchanged if it is neither a word nor properly quoted."""
    if _value.fullmatch(value) and value.startswith('"'):
        return _escaped.sub(r"\1", value[1:-1])
    return value
