"""Tests of the allowlist: who may reach what, written down by the operator and tried by `licensegate check --tests`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from licensegate.allowlist.clients import Identity
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import TargetError
from licensegate.app.settings import Settings, SettingsError
from licensegate.app.settings.file import read_other

from .target_argument import target_argument
from .test_rule import RuleTestError, judge

Expected = Literal["allow", "deny", "report"]


class PolicyCase(Struct, frozen=True, forbid_unknown_fields=True):
    """A `[[test]]`: a client that asks for a target, and what the allowlist should say.

    `target` is HOST:PORT, or HOST for port 443. `user` and `certificates` are the login and the names in the client's
    certificate. `report` expects a target that only report-only mode lets pass. `outcome` is that of the refusal,
    where a case names it.
    """

    client: str
    target: str
    expect: Expected
    name: str = ""
    user: str = ""
    certificates: tuple[str, ...] = ()
    outcome: str = ""

    def __str__(self) -> str:
        asks = f"{self.user}@{self.client}" if self.user else self.client
        return f"{self.name or 'a client'}: {asks} to {self.target}"


class PolicyTests(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a file of tests."""

    test: tuple[PolicyCase, ...]


class CaseResult(Struct, frozen=True):
    """One case, and in `fault` what the allowlist said in place of what was expected; empty if it said just that."""

    case: PolicyCase
    fault: str = ""


def try_policy(settings: Settings, file: Path) -> list[CaseResult]:
    """Try each test in a file. Raises SettingsError, which names the test that cannot be tried."""
    cases = read_other(file, PolicyTests).test
    if not cases:
        raise SettingsError(f"{file}: there is no [[test]] with client, target and expect")
    return [_tried(settings, case, f"{file}: test, item {number}") for number, case in enumerate(cases, 1)]


def untouched(rules: Sequence[Rule], settings: Settings, results: Sequence[CaseResult]) -> Iterator[Rule]:
    """The rules whose targets no case asks for: a typing error in them would go unnoticed."""
    asked = [settings.policy.decide(target_argument(result.case.target)).rule for result in results]
    return (rule for rule in rules if rule not in asked)


def _tried(settings: Settings, case: PolicyCase, place: str) -> CaseResult:
    if case.outcome and case.expect != "deny":
        raise SettingsError(f'{place}: only a test with expect = "deny" has an outcome')
    try:
        target = str(target_argument(case.target))
        test = judge(settings, case.client, target, Identity(case.user, case.certificates))
    except (RuleTestError, TargetError) as error:
        raise SettingsError(f"{place}: {error}") from None
    said: Expected = "report" if test.reported else "allow" if test.allowed else "deny"
    if said == case.expect and case.outcome in ("", test.outcome):
        return CaseResult(case)
    expected = f"{case.expect} by {case.outcome}" if case.outcome else case.expect
    return CaseResult(case, f"expected {expected}, but the gate says: {test.text.splitlines()[0]}")
