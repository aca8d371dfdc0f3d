"""What a registration and an authorization mean together, from `states.toml`: the data behind `meaning`."""

from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from .limits import Confidence

_FILE: Final = Path(__file__).with_name("states.toml")
_ANY: Final = "*"
_Text = Annotated[str, Meta(min_length=1)]
_LevelName = Literal["ok", "warning", "critical", "unknown"]
_Texts = Annotated[tuple[str, ...], Meta(min_length=1)]
Enforced = Literal["no", "now", "after", "unknown"]
"""Whether something is blocked: `after` means once a clock has run out."""


class LicenseState(Struct, frozen=True, forbid_unknown_fields=True):
    """A combination of states: what it means and what to do, in English and Japanese, and CUCM's alerts for it.

    `en_over` and `ja_over` are what it means once its clock has run out; empty if that changes nothing.
    """

    registration: _Texts
    authorization: _Texts
    level: _LevelName
    enforced: Enforced
    en: _Text
    ja: _Text
    do_en: _Text
    do_ja: _Text
    source: _Text
    confidence: Confidence
    clock: str = ""
    en_over: str = ""
    ja_over: str = ""
    rtmt: tuple[str, ...] = ()


class Override(Struct, frozen=True, forbid_unknown_fields=True):
    """Where families differ from the row of the table."""

    families: _Texts
    registration: _Texts
    authorization: _Texts
    level: _LevelName
    enforced: Enforced
    en: _Text
    ja: _Text
    source: _Text
    confidence: Confidence


class Effect(Struct, frozen=True, forbid_unknown_fields=True):
    """What enforcement blocks on the products of a family."""

    families: _Texts
    en: _Text
    ja: _Text
    source: _Text


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    state: tuple[LicenseState, ...]
    override: tuple[Override, ...]
    effect: tuple[Effect, ...]


@cache
def table() -> _File:
    """The whole file, checked."""
    return msgspec.toml.decode(_FILE.read_bytes(), type=_File)


def state_of(registration: str, authorization: str) -> LicenseState:
    """The row of two states: the first that names both, then those with a `*`."""
    rows = [each for each in table().state if _covers(each, registration, authorization)]
    return min(rows, key=lambda each: (_ANY in each.registration) + (_ANY in each.authorization))


def override_of(family: str, registration: str, authorization: str) -> Override | None:
    """How a family differs from that row, or None."""
    return next(
        (each for each in table().override if family in each.families and _covers(each, registration, authorization)),
        None,
    )


def effect_of(family: str) -> Effect | None:
    """What enforcement blocks on the products of a family."""
    return next((each for each in table().effect if family in each.families), None)


def _covers(row: LicenseState | Override, registration: str, authorization: str) -> bool:
    return {_ANY, registration} & set(row.registration) != set() and {_ANY, authorization} & set(
        row.authorization
    ) != set()
