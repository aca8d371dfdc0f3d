"""The rules of the allowlist, and how much each is used."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from licensegate.allowlist.rule import Rule

from .answer import Answer


class RuleRow(Struct, frozen=True, kw_only=True):
    """A rule: its host and port, and the preset that it comes from, empty for one of the operator's own.

    `report`: it only reports. `users`, `networks` and `certificates` are whom it is for; all empty: everybody. `hits`
    are the connections that it applied to and that have ended since the gate started.
    """

    rule: str
    preset: str
    hits: int
    report: bool = False
    users: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


class RuleList(Answer, frozen=True, kw_only=True):
    """All rules in force, in their order; `mode` is that of the allowlist, `policy` its hash."""

    mode: str
    policy: str
    rules: list[RuleRow]


def rule_rows(rules: Sequence[Rule], hits: Mapping[str, int]) -> list[RuleRow]:
    """The rows of these rules; `hits` are by host and port."""
    return [_row(rule, hits) for rule in rules]


def _row(rule: Rule, hits: Mapping[str, int]) -> RuleRow:
    name = str(rule.target)
    return RuleRow(
        rule=name,
        preset=rule.preset,
        hits=hits.get(name, 0),
        report=rule.report,
        users=rule.users,
        networks=tuple(map(str, rule.networks)),
        certificates=rule.certificates,
    )
