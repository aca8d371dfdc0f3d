"""What `licensegate check --json` prints: what is wrong, and what would be in force."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from licensegate.allowlist.preset import Preset, load_presets
from licensegate.allowlist.rule import Rule
from licensegate.app.settings import Settings

from .policy_tests import CaseResult

CHECK_SCHEMA: Final = 1
"""Raised by one when a key changes its name or meaning; a new key does not raise it."""


class CheckedRule(Struct, frozen=True):
    """A target of the allowlist, and why it is there: the preset with its reason, or a rule of the operator's own."""

    target: str
    preset: str
    why: str
    verified: bool
    report: bool
    private: bool
    users: tuple[str, ...]
    networks: tuple[str, ...]
    certificates: tuple[str, ...]


class CheckedCase(Struct, frozen=True):
    """One test of `--tests`; `fault` is empty if it went as expected."""

    test: str
    fault: str


class CheckResult(Struct):
    """The result of a check, filled in along the way. `docs/terminal.md` describes it.

    `settings` names the file and the variables, `policy` is the hash of the allowlist, `in_force` has each key by its
    dotted name, without passwords. They stay empty if the settings cannot be read.
    """

    schema: int = CHECK_SCHEMA
    usable: bool = False
    faults: list[str] = []
    warnings: list[str] = []
    not_looked_at: list[str] = []
    settings: str = ""
    policy: str = ""
    targets: list[CheckedRule] = []
    tests: list[CheckedCase] = []
    in_force: Mapping[str, object] = {}

    @property
    def status(self) -> int:
        """The exit status."""
        if not self.usable:
            return 2
        return 1 if any(each.fault for each in self.tests) else 0

    def describe(self, settings: Settings) -> None:
        """Take in what would be in force."""
        self.settings = settings.source
        self.policy = settings.policy.hash
        presets = load_presets()
        self.targets = [_checked(rule, presets) for rule in settings.policy.rules]
        self.in_force = settings.written

    def take_tests(self, results: Sequence[CaseResult]) -> None:
        """Take in how the tests of the allowlist went."""
        self.tests = [CheckedCase(str(result.case), result.fault) for result in results]


def _checked(rule: Rule, presets: Mapping[str, Preset]) -> CheckedRule:
    verified, why = True, ""
    if rule.preset:
        entry = presets[rule.preset].entry_for(rule)
        verified, why = entry.verified, entry.why
    return CheckedRule(
        target=str(rule.target),
        preset=rule.preset,
        why=why,
        verified=verified,
        report=rule.report,
        private=rule.private,
        users=rule.users,
        networks=tuple(map(str, rule.networks)),
        certificates=rule.certificates,
    )
