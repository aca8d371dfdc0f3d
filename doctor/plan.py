"""What to examine for given settings: this host, each listener, each parent proxy, each target."""

from functools import partial

from msgspec import Struct

from licensegate.allowlist.policy import Decision
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.settings import Settings

from .host.files import LookingUser
from .host.port_holders import PortHolder
from .host.ports import find_gate, look_at_port
from .host.resolv_conf import ResolverSettings
from .host.series import host_series, in_thread
from .host.settings import Warn
from .path.listener import RoundTrips
from .path.login import ClientLogin
from .path.own_gate import OwnGate
from .path.series import ParentPath, TargetPath
from .step import Series


class Patient(Struct, frozen=True):
    """What the doctor looks at, and what it knows before it looks.

    `warn` warns about the settings. `holders` are the listening sockets of this host, read with the rights of the user
    who started the doctor. `user` is the one that looks. `login` is that of a client at the gate.
    """

    settings: Settings
    targets: tuple[Target, ...]
    warn: Warn
    resolver: ResolverSettings
    holders: tuple[PortHolder, ...] = ()
    user: LookingUser = LookingUser(is_gates=False)
    login: ClientLogin | None = None


def exact_targets(settings: Settings) -> tuple[Target, ...]:
    """The targets that the allowlist names in full, in the order of its rules."""
    rules = settings.policy.rules
    return tuple(dict.fromkeys(rule.target for rule in rules if not rule.domain and not rule.report))


def rules_for(patient: Patient) -> list[Rule]:
    """A rule for each target that the settings allow to any client."""
    decisions = (_decide(patient.settings, target) for target in patient.targets)
    return [
        Rule(target.host, target.port, private=decision.rule.private)
        for target, decision in zip(patient.targets, decisions, strict=True)
        if decision.rule is not None
    ]


def make_plan(patient: Patient, gate: OwnGate) -> list[Series]:
    """Every series of steps, in the order of the report."""
    settings, resolver = patient.settings, patient.resolver
    decisions = {target: _decide(settings, target) for target in patient.targets}
    asked_for = next((target for target in patient.targets if _is_for_all(decisions[target])), None)
    rounds = RoundTrips(settings, asked_for, patient.login)
    running = find_gate(settings.listen, patient.holders)
    plan = [host_series(settings, patient.warn, resolver, patient.holders, running, patient.user)]
    for address in settings.listen:
        port = in_thread("port", str(address), partial(look_at_port, address, patient.holders, gate_runs=running.runs))
        plan.append(rounds.series(address, port))
    plan += [ParentPath(parent, settings, resolver).series() for parent in settings.parents.proxies]
    plan += [TargetPath(target, decisions[target], settings, resolver, gate).series() for target in patient.targets]
    return plan


def _decide(settings: Settings, target: Target) -> Decision:
    """The policy's decision for some client: a rule for some users or networks counts, too."""
    decision = settings.policy.decide(target)
    if decision.allowed:
        return decision
    for rule in settings.policy.rules:
        named = rule.target == target
        if named and not rule.report:
            return Decision(True, decision.reason, rule)
    return decision


def _is_for_all(decision: Decision) -> bool:
    return decision.allowed and decision.rule is not None and not decision.rule.is_for_some
