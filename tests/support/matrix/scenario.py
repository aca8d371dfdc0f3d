"""Scenarios of failures as data: `tests/diagnosis/scenarios/*.toml`, read by the tests and by `docs/diagnosis.md`."""

from pathlib import Path

import msgspec
from msgspec import Struct

FOLDER = Path(__file__).parents[2] / "diagnosis" / "scenarios"

NOTHING = "nothing"
"""Stands for no finding, in a scenario where nothing is wrong and nothing is to be said."""


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One failure, made with real parts.

    `words` says what is wrong, `part` names what the tests set up for it, and `clients` who meets it. The finding is
    one of `finding` and its certainty one of `certainty`: more than one where the parts race. `before` is what earlier
    connections of the same client may be named. `root`: the client knows the root. `look`: the finding rests on the
    gate's own look at the target, not on the record alone.
    """

    name: str
    words: str
    part: str
    finding: tuple[str, ...]
    certainty: tuple[str, ...] = ()
    clients: tuple[str, ...] = ("curl",)
    before: tuple[str, ...] = ()
    root: bool = True
    look: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether the gate may say nothing."""
        return NOTHING in self.finding


class Case(Struct, frozen=True):
    """A scenario with one of its clients."""

    scenario: Scenario
    client: str

    def __str__(self) -> str:
        return f"{self.scenario.name}-{self.client}"

    @property
    def label(self) -> str:
        """A label for a host name that no other case has."""
        return str(self).lower().replace("_", "-").replace(".", "-")


class _File(Struct, forbid_unknown_fields=True):
    scenario: list[Scenario]


def scenarios(topic: str) -> list[Scenario]:
    """The scenarios of one file."""
    content = (FOLDER / f"{topic}.toml").read_bytes()
    return msgspec.toml.decode(content, type=_File).scenario


def all_scenarios() -> list[Scenario]:
    """The scenarios of all files, in the order of their names."""
    return [scenario for file in sorted(FOLDER.glob("*.toml")) for scenario in scenarios(file.stem)]


def cases(topic: str) -> list[Case]:
    """Each scenario of a file with each of its clients."""
    return [Case(scenario, client) for scenario in scenarios(topic) for client in scenario.clients]
