"""`licensegate check`: what would be in force, and what in it deserves a second look."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, structs

from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.target import Target
from licensegate.app.settings import Settings
from licensegate.app.settings.environment import PREFIX, variables

from .layout import sections

LONGEST_HOST_NAME: Final = 64  # FMC takes no longer proxy name with Smart Licensing: Cisco document 222847


def report(settings: Settings) -> str:
    """Everything in force, in lines for people."""
    access = "standard output" if settings.log.access == "-" else settings.log.access
    return sections(
        {
            "settings": [settings.source],
            "listen": _listen(settings),
            "clients": [str(network) for network in settings.client_networks],
            "targets": _targets(settings),
            "more presets": _more_presets(settings),
            "connect_to": [
                f"{Target(to.host, to.port)} goes to {Target(to.address, to.address_port)}"
                for to in settings.dial.connect_to
            ],
            "dial from": [settings.dial.source_address or "an address of the system's choice"],
            "limits": _values(settings.limits),
            "dns": _values(settings.dns),
            "state": [str(settings.state_directory or "nothing is kept")],
            "log": [f"access to {access}", f"level {settings.log.level}"],
            "policy": [settings.policy.hash],
        }
    )


def warnings(settings: Settings, environ: Mapping[str, str], host_name: str) -> Iterator[str]:
    """What can be in force, but is hardly meant."""
    if len(host_name) > LONGEST_HOST_NAME:
        yield (
            f"this machine's name, {host_name}, is longer than the {LONGEST_HOST_NAME} characters that FMC takes "
            "for a proxy; give it a shorter alias to type there"
        )
    if not settings.policy.rules:
        yield "no target is allowed; name a preset in allowlist.presets, or add an allowlist.rule"
    for network in settings.client_networks:
        if network.prefixlen == 0:
            yield f"clients.networks holds {network}: whoever can reach the gate may use it"
    for to in settings.dial.connect_to:
        if not settings.policy.decide(Target(to.host, to.port)).allowed:
            yield f"dial.connect_to names {Target(to.host, to.port)}, which the allowlist refuses; add a rule for it"
    meant = {variable.replace("__", "_"): variable for variable in variables()}
    for name in environ:
        if name in meant and not name.startswith(PREFIX):
            yield f"{name} is ignored, since Kubernetes sets names like it; write {meant[name]}"


def _listen(settings: Settings) -> list[str]:
    lines = [str(address) for address in settings.listen]
    if not all(address.named for address in settings.listen):
        lines.append("as packaged: what cannot be bound is left out")
    return lines


def _targets(settings: Settings) -> list[str]:
    presets = load_presets()
    targets = [Target(rule.host, rule.port) for rule in settings.policy.rules]
    width = max((len(str(target)) for target in targets), default=0)
    lines = []
    for rule, target in zip(settings.policy.rules, targets, strict=True):
        if rule.preset:
            entry = next(e for e in presets[rule.preset].entries if Target(e.host, e.port) == target)
            why = f"preset {rule.preset}{'' if entry.verified else ', unverified'}: {entry.why}"
        else:
            why = f"rule of your own{'; its addresses may be private' if rule.private else ''}"
        lines.append(f"{target!s:{width}}  {why}")
    return lines


def _more_presets(settings: Settings) -> list[str]:
    """The presets that would allow what is not allowed now."""
    decide = settings.policy.decide
    return [
        f"{preset.name}: {preset.title}"
        for preset in load_presets().values()
        if not all(decide(Target(entry.host, entry.port)).allowed for entry in preset.entries)
    ]


def _connect_to(settings: Settings) -> list[str]:
    return [
        f"{Target(to.host, to.port)} goes to {Target(to.address, to.address_port)}" for to in settings.dial.connect_to
    ]


def _values(part: Struct) -> list[str]:
    return [f"{name} = {value:.15g}" for name, value in structs.asdict(part).items()]
