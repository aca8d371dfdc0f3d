"""The targets by the names that the settings give them: what a metric or a health page may call one.

A client chooses which target it asks for, so what it asked for is never a name here: only the host and port of a rule.
"""

from collections.abc import Callable
from typing import Final

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target

NO_TARGET: Final = "none"
"""Where no rule was met: refusals, and what passes only because the whole allowlist reports."""


class TargetNames:
    """Names by rules. `in_force` says which policy is.

    After a reload it is another one, and tunnels that keep an older one keep their names.
    """

    def __init__(self, in_force: Callable[[], Policy]) -> None:
        self._in_force = in_force
        self._learned: Policy | None = None
        self._names = {"": NO_TARGET}

    def name(self, rule: str) -> str:
        """The host and port of a rule as a record has it, `*.example.com:443` for a wildcard; else NO_TARGET."""
        name = self._names.get(rule)
        if name is None:
            self._learn()
            name = self._names.get(rule, NO_TARGET)
        return name

    def exact(self) -> list[tuple[Target, Rule]]:
        """Each target that is allowed by itself, by no wildcard, with the rule that allows it."""
        rules = self._in_force().rules
        return [(Target(rule.host, rule.port), rule) for rule in rules if not (rule.domain or rule.report)]

    def _learn(self) -> None:
        policy = self._in_force()
        if policy is not self._learned:
            self._learned = policy
            self._names.update({str(rule): str(Target(rule.host, rule.port)) for rule in policy.rules})
