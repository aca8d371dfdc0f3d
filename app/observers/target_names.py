"""The names of targets in metrics and on health pages: the host and port of a rule, never what a client asked for."""

from collections.abc import Callable
from typing import Final

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target

NO_TARGET: Final = "none"
"""The name where no rule applied: refusals, and targets that pass only because the whole allowlist is report-only."""


class TargetNames:
    """Target names by rule. `current_policy` returns the policy in force.

    After a reload it returns another one. The names of older policies stay known for their open tunnels.
    """

    def __init__(self, current_policy: Callable[[], Policy]) -> None:
        self._current_policy = current_policy
        self._known_policy: Policy | None = None
        self._names = {"": NO_TARGET}

    def name(self, rule: str) -> str:
        """The host and port of a record's rule, `*.example.com:443` for a wildcard; NO_TARGET for an unknown rule."""
        name = self._names.get(rule)
        if name is None:
            self._add_names()
            name = self._names.get(rule, NO_TARGET)
        return name

    def exact(self) -> list[tuple[Target, Rule]]:
        """Each target that a rule allows by its exact name, not by a wildcard, with that rule."""
        rules = self._current_policy().rules
        return [(rule.target, rule) for rule in rules if not (rule.domain or rule.report)]

    def _add_names(self) -> None:
        policy = self._current_policy()
        if policy is not self._known_policy:
            self._known_policy = policy
            self._names.update({str(rule): str(rule.target) for rule in policy.rules})
