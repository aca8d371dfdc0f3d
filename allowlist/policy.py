"""The allowlist in force: presets and an operator's rules made into one immutable policy that answers one question.

A policy compares normalised targets exactly and knows nothing of clients, addresses or time. A reload makes a new one.
"""

import enum
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from licensegate.allowlist.preset import Preset
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target

_HASH_DIGITS = 12


class Reason(enum.StrEnum):
    """Why a target is allowed or not."""

    RULE = "rule"
    NO_RULE = "no_rule"
    IN_PRESET = "in_preset"
    OTHER_PORT = "other_port"
    ADDRESS = "address"


class Decision(Struct, frozen=True):
    """What the policy says of one target.

    `rule` is the one that allows it. `detail` names the presets that would allow it (`IN_PRESET`) or the ports that are
    allowed (`OTHER_PORT`), joined by "or".
    """

    allowed: bool
    reason: Reason
    rule: Rule | None = None
    detail: str = ""


class PolicyError(ValueError):
    """The presets and rules that were configured make no policy."""


class UnknownPreset(PolicyError):  # noqa: N818  the name says it
    """A preset was named that there is none of. `name` is what was asked for, `nearest` the known one most like it."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        import difflib  # only where an error is explained

        names = sorted(known)
        self.name = name
        self.nearest = next(iter(difflib.get_close_matches(name, names, n=1)), "")
        cure = f"did you mean {self.nearest!r}?" if self.nearest else f"the presets are {', '.join(names)}"
        super().__init__(f"there is no preset {name!r}: {cure}")


class DuplicateRule(PolicyError):  # noqa: N818  the name says it
    """An operator wrote two rules for the same host and port."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(f"two rules for {rule}: keep one")


_ADDRESS = Decision(False, Reason.ADDRESS)
_NO_RULE = Decision(False, Reason.NO_RULE)


class Policy:
    """Which targets are allowed, by which rule.

    An operator's rule takes the place of a preset's for the same host and port; of two presets that name the same, the
    one listed first counts. `rules` are the operator's, then the presets'. `hash` is 12 hex digits that stand for what
    is allowed, whatever the order of rules and whichever preset brought them.
    """

    __slots__ = ("_domains", "_exact", "_opt_in", "_ports", "hash", "rules")

    def __init__(self, presets: Sequence[str], rules: Sequence[Rule], known: Mapping[str, Preset]) -> None:
        """Build it from the names of the presets in force, the operator's rules and all presets there are.

        Raises `UnknownPreset` and `DuplicateRule`.
        """
        self.rules = _merge(presets, rules, known)
        self.hash = _hash(self.rules)
        self._exact: dict[Target, Decision] = {}
        self._domains: dict[Target, Decision] = {}
        self._ports: dict[str, list[int]] = {}
        for rule in self.rules:
            allowing = self._domains if rule.domain else self._exact
            allowing[Target(rule.domain or rule.host, rule.port)] = Decision(True, Reason.RULE, rule)
            self._ports.setdefault(rule.host, []).append(rule.port)
        self._opt_in = _opt_in(known)

    def decide(self, target: Target) -> Decision:
        """Say whether `target` may be reached: exact rules first, then wildcards, the longest domain first."""
        return self._exact.get(target) or self._below_domain(target) or self._refuse(target)

    def _below_domain(self, target: Target) -> Decision | None:
        if self._domains:
            for domain in _domains_above(target):
                if made := self._domains.get(Target(domain, target.port)):
                    return made
        return None

    def _refuse(self, target: Target) -> Decision:
        if made := self._opt_in.get(target):
            return made
        names = [target.host, *(f"*.{domain}" for domain in _domains_above(target))]
        if ports := sorted({port for name in names for port in self._ports.get(name, ())}):
            return Decision(False, Reason.OTHER_PORT, detail=" or ".join(map(str, ports)))
        return _ADDRESS if target.is_address else _NO_RULE


def _merge(presets: Sequence[str], rules: Sequence[Rule], known: Mapping[str, Preset]) -> tuple[Rule, ...]:
    merged: dict[Target, Rule] = {}
    for rule in rules:
        named = Target(rule.host, rule.port)
        if named in merged:
            raise DuplicateRule(rule)
        merged[named] = rule
    for name in presets:
        if name not in known:
            raise UnknownPreset(name, known)
        for entry in known[name].entries:
            merged.setdefault(Target(entry.host, entry.port), Rule(entry.host, entry.port, preset=name))
    return tuple(merged.values())


def _hash(rules: Iterable[Rule]) -> str:
    lines = sorted(f"{rule.host} {rule.port} {'private' if rule.private else 'public'}\n" for rule in rules)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:_HASH_DIGITS]


def _opt_in(known: Mapping[str, Preset]) -> dict[Target, Decision]:
    """Refusals of what some preset names; those in force are asked first and never get here."""
    names: dict[Target, list[str]] = {}
    for name, preset in sorted(known.items()):
        for entry in preset.entries:
            names.setdefault(Target(entry.host, entry.port), []).append(name)
    return {target: Decision(False, Reason.IN_PRESET, detail=" or ".join(them)) for target, them in names.items()}


def _domains_above(target: Target) -> Iterator[str]:
    """Walk the domains that a name lies below, longest first; an address lies below none."""
    if target.is_address:
        return
    domain = target.host
    while domain := domain.partition(".")[2]:
        yield domain
