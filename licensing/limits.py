"""Cisco's time limits and how product families differ, from `clocks.toml`: the data behind `clocks`."""

from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

_FILE: Final = Path(__file__).with_name("clocks.toml")
_Text = Annotated[str, Meta(min_length=1)]
Confidence = Literal["high", "medium", "low"]


class Limit(Struct, frozen=True, forbid_unknown_fields=True, rename={"starts": "from"}):
    """One time limit. Without `days` and `hours` only the product knows its date.

    A healthy product comes to the date of a `routine` one again and again, and moves it by itself.
    """

    name: _Text
    model: Literal["classic", "classic_on_prem", "policy", "on_prem"]
    starts: _Text
    meaning: _Text
    source: _Text
    confidence: Confidence
    days: int = 0
    hours: int = 0
    routine: bool = False

    @property
    def length(self) -> timedelta:
        """How long it runs."""
        return timedelta(days=self.days, hours=self.hours)


class Family(Struct, frozen=True, forbid_unknown_fields=True):
    """A product family. `pids` are the beginnings of its product IDs; `usage_hours` is 0 where it is not documented.

    `overage` is false if an expired authorization is enforced at once. `model` decides which clocks it has.
    """

    name: _Text
    pids: tuple[str, ...]
    overage: bool
    source: _Text
    confidence: Confidence
    usage_hours: float = 0
    model: Literal["classic", "policy", "on_prem"] = "classic"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    clock: tuple[Limit, ...]
    family: tuple[Family, ...]


@cache
def _content() -> _File:
    return msgspec.toml.decode(_FILE.read_bytes(), type=_File)


def all_limits() -> tuple[Limit, ...]:
    """Every limit, in the order of the file."""
    return _content().clock


def all_families() -> tuple[Family, ...]:
    """Every family with rules of its own."""
    return _content().family


@lru_cache(256)
def limit(name: str, model: str = "classic") -> Limit:
    """The limit of this name; that of the classic model where the model has none of its own. Raises KeyError."""
    for wanted in (model, "classic"):
        for each in all_limits():
            if (each.name, each.model) == (name, wanted):
                return each
    raise KeyError(name)


@lru_cache(256)
def family_named(name: str) -> Family | None:
    """The family of this name, in any case; None for one without rules of its own."""
    return next((each for each in all_families() if each.name.lower() == name.lower()), None)


def family_of_pid(pid: str | None) -> Family | None:
    """The family of a product ID."""
    upper = (pid or "").upper()
    return next((each for each in all_families() if any(upper.startswith(start) for start in each.pids)), None)
