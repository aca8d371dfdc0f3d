"""The allowlist in force: presets and the operator's rules, built into one immutable policy.

A policy compares normalised targets exactly, and matches a client's address and identity against those in the rules. It
depends neither on what a target resolves to nor on the time. A reload builds a new policy.
"""

import enum
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct, structs

from .clients import NOBODY, Identity
from .preset import Preset
from .rule import Rule
from .target import Target

_T = TypeVar("_T")

_HASH_DIGITS = 12


class Mode(enum.StrEnum):
    """Whether a target that no rule allows is refused, or passes and its record says that it would be refused."""

    ENFORCE = "enforce"
    REPORT = "report"


class Reason(enum.StrEnum):
    """Why a target is allowed or not."""

    RULE = "rule"
    NO_RULE = "no_rule"
    IN_PRESET = "in_preset"
    OTHER_PORT = "other_port"
    ADDRESS = "address"
    OTHER_CLIENT = "other_client"
    LOGIN_LACKING = "login_lacking"


class Decision(Struct, frozen=True):
    """The policy's decision on one target.

    `rule` allows it. `detail` lists the presets that would allow it (`IN_PRESET`) or the allowed ports (`OTHER_PORT`),
    joined by "or", or the keys of the rule that the client does not match (`OTHER_CLIENT`), joined by "and".
    `LOGIN_LACKING` means that only the rule's `users` does not match, because the client has not logged in.

    A refused target may be `reported`: it passes under the terms of `rule`, which is then the matching rule with
    `report` or, in REPORT mode, one created for this target.
    """

    allowed: bool
    reason: Reason
    rule: Rule | None = None
    detail: str = ""
    reported: bool = False


class PolicyError(ValueError):
    """The configured presets and rules are not a valid policy."""


class UnknownPreset(PolicyError):  # noqa: N818  the name says it
    """An unknown preset. `name` is the configured name, `nearest` the most similar known one."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        import difflib  # only where an error is explained

        names = sorted(known)
        self.name = name
        self.nearest = next(iter(difflib.get_close_matches(name, names, n=1)), "")
        remedy = f"did you mean {self.nearest!r}?" if self.nearest else f"the presets are {', '.join(names)}"
        super().__init__(f"there is no preset {name!r}: {remedy}")


class DuplicateRule(PolicyError):  # noqa: N818  the name says it
    """The operator has two rules for the same host and port."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(f"two rules for {rule}: keep one")


_ADDRESS = Decision(False, Reason.ADDRESS)
_NO_RULE = Decision(False, Reason.NO_RULE)


class Policy:
    """Which targets are allowed, by which rule.

    An operator's rule replaces a preset's for the same host and port; if two presets have it, the first one counts. A
    rule with `report` counts only if no other rule matches, and refusals never mention it. `rules` are the operator's,
    then the presets'. `hash` is 12 hex digits for the effect of all rules, independent of their order and preset.
    """

    __slots__ = ("_allowing", "_any_for_some", "_opt_in", "_ports", "_reporting", "hash", "mode", "rules")

    def __init__(
        self,
        presets: Sequence[str],
        rules: Sequence[Rule],
        known: Mapping[str, Preset],
        mode: Mode = Mode.ENFORCE,
    ) -> None:
        """Build the policy from the names of the presets in force, the operator's rules and all known presets.

        Raises UnknownPreset and DuplicateRule.
        """
        self.mode = mode
        self.rules = _merge(presets, rules, known)
        self.hash = _hash(self.rules, mode)
        self._any_for_some = any(rule.is_for_some for rule in self.rules)
        self._allowing: _Rules[Decision] = _Rules()
        self._reporting: _Rules[Rule] = _Rules()
        self._ports: dict[str, list[int]] = {}
        for rule in self.rules:
            if rule.report:
                self._reporting.add(rule, rule)
            else:
                self._allowing.add(rule, Decision(True, Reason.RULE, rule))
                self._ports.setdefault(rule.host, []).append(rule.port)
        self._opt_in = _opt_in(known)

    def decide(self, target: Target, client: str | None = None, identity: Identity = NOBODY) -> Decision:
        """Decide whether `target` may be reached: exact rules first, then wildcards, the longest domain first.

        Only the closest rule decides: if it does not match the client, no wider rule is tried. Without a client, the
        decision is the one for clients that match the rule.
        """
        decision = self._allowing.find(target)
        if decision is None:
            return self._refuse_or_report(target, client, identity)
        if client is None or not self._any_for_some or decision.rule is None:
            return decision
        return self._decide_for(decision, decision.rule, client, identity)

    def _decide_for(self, decision: Decision, rule: Rule, client: str, identity: Identity) -> Decision:
        keys = rule.unmatched_keys(client, identity)
        if not keys:
            return decision
        reporting = self.mode is Mode.REPORT
        # A client certificate counts as a login, unless the rule requires both.
        lacks_login = keys == ("users",) and not identity.user and bool(rule.certificates or not identity.certificate)
        return Decision(
            False,
            Reason.LOGIN_LACKING if lacks_login else Reason.OTHER_CLIENT,
            rule if reporting else None,
            " and ".join(keys),
            reporting,
        )

    def _refuse_or_report(self, target: Target, client: str | None, identity: Identity) -> Decision:
        refusal = self._refuse(target)
        rule = self._reporting.find(target)
        if rule is not None and client is not None and rule.unmatched_keys(client, identity):
            rule = None
        if rule is None and self.mode is Mode.REPORT:
            rule = Rule(target.host, target.port, report=True)
        return refusal if rule is None else structs.replace(refusal, rule=rule, reported=True)

    def _refuse(self, target: Target) -> Decision:
        if made := self._opt_in.get(target):
            return made
        if ports := sorted({port for host in target.rule_hosts for port in self._ports.get(host, ())}):
            return Decision(False, Reason.OTHER_PORT, detail=" or ".join(map(str, ports)))
        return _ADDRESS if target.is_address else _NO_RULE


class _Rules(Generic[_T]):
    """Rules by what they match, each with its value."""

    __slots__ = ("_domains", "_exact")

    def __init__(self) -> None:
        self._exact: dict[Target, _T] = {}
        self._domains: dict[Target, _T] = {}

    def add(self, rule: Rule, value: _T) -> None:
        place = self._domains if rule.domain else self._exact
        place[Target(rule.domain or rule.host, rule.port)] = value

    def find(self, target: Target) -> _T | None:
        """Return the value of the closest matching rule."""
        return self._exact.get(target) or self._find_domain(target)

    def _find_domain(self, target: Target) -> _T | None:
        if self._domains:
            for domain in target.domains_above:
                if found := self._domains.get(Target(domain, target.port)):
                    return found
        return None


def _merge(presets: Sequence[str], rules: Sequence[Rule], known: Mapping[str, Preset]) -> tuple[Rule, ...]:
    own: dict[Target, Rule] = {}
    for rule in rules:
        named = rule.target
        if named in own:
            raise DuplicateRule(rule)
        own[named] = rule
    merged = {named: rule for named, rule in own.items() if not rule.report}
    for name in presets:
        if name not in known:
            raise UnknownPreset(name, known)
        for entry in known[name].entries:
            merged.setdefault(entry.target, Rule(entry.host, entry.port, preset=name))
    return (*own.values(), *(rule for rule in merged.values() if rule.preset))


def _hash(rules: Iterable[Rule], mode: Mode) -> str:
    lines = sorted(repr(structs.replace(rule, preset="")) for rule in rules)
    return hashlib.sha256("\n".join([mode, *lines]).encode()).hexdigest()[:_HASH_DIGITS]


def _opt_in(known: Mapping[str, Preset]) -> dict[Target, Decision]:
    """Return the refusals of targets in presets; targets of presets in force are found before these are looked up."""
    names: dict[Target, list[str]] = {}
    for name, preset in sorted(known.items()):
        for entry in preset.entries:
            names.setdefault(entry.target, []).append(name)
    return {target: Decision(False, Reason.IN_PRESET, detail=" or ".join(presets)) for target, presets in names.items()}
