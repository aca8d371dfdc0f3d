"""What `licensegate check` warns about: valid settings that are probably mistakes."""

import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from licensegate.allowlist.target import Target
from licensegate.app.admin.access import read_token
from licensegate.app.settings import Log, LogKind, Settings
from licensegate.app.settings.ledger import client_notes
from licensegate.certs.pem import read_chain
from licensegate.proxy.protocol.tunnel_checks import overlay
from licensegate.proxy.settings import TunnelChecks

from . import check_environment, check_limits, check_logins, check_parents, check_tls

LONGEST_HOST_NAME: Final = 64  # FMC takes no longer proxy name with Smart Licensing: Cisco document 222847


def warnings(settings: Settings, environ: Mapping[str, str], host_name: str) -> Iterator[str]:
    """Warn about valid settings that are probably mistakes.

    Raises LoginFileError, CertificateError and SettingsError for files that would stop the gate from starting.
    """
    yield from _name_too_long(host_name)
    yield from _nobody_or_everybody(settings)
    yield from _open_balancers(settings)
    yield from _useless_report_rules(settings)
    yield from _open_or_useless_admin(settings)
    yield from _names_without_tls(settings)
    yield from client_notes(settings.named_clients)
    yield from check_parents.warnings(settings)
    yield from check_tls.warnings(settings)
    yield from check_logins.warnings(settings)
    yield from check_limits.warnings(settings)
    yield from _refused_connect_to(settings)
    yield from _unread_log(settings.log)
    _read_roots(settings)
    yield from check_environment.warnings(settings, environ)
    token_file = settings.admin.token_file
    if token_file and os.access(token_file, os.R_OK):  # the gate may read files that this user may not
        read_token(token_file)


def _read_roots(settings: Settings) -> None:
    """Read the files that looks judge by. Raises CertificateError for one without a certificate."""
    for path in (settings.looks.roots, *(Path(rule.ca) for rule in settings.policy.rules if rule.ca)):
        if path and os.access(path, os.R_OK):  # the gate may read files that this user may not
            read_chain(path)


def _name_too_long(host_name: str) -> Iterator[str]:
    if len(host_name) > LONGEST_HOST_NAME:
        yield (
            f"this machine's name, {host_name}, is longer than the {LONGEST_HOST_NAME} characters that FMC accepts "
            "for a proxy; give it a shorter alias to type there"
        )


def _unread_log(log: Log) -> Iterator[str]:
    if log.format in ("text", "squid") and log.access.kind is LogKind.FILE:
        yield (
            f'log.format = "{log.format}" also applies to log.access, and then licensegate explain, suggest-rules and '
            "doctor cannot read it; leave log.format out for JSON"
        )


def _nobody_or_everybody(settings: Settings) -> Iterator[str]:
    if not settings.policy.rules:
        yield "no target is allowed; name a preset in allowlist.presets, or add an allowlist.rule"
    for network in settings.client_networks:
        if network.prefixlen == 0:
            yield f"clients.networks holds {network}: anyone who can reach the gate may use it"


def _open_balancers(settings: Settings) -> Iterator[str]:
    for address in settings.listen:
        for network in address.proxy_protocol_from:
            if network.prefixlen == 0:
                yield f"proxy_protocol_from of {address} holds {network}: anyone can claim any client address"


def _open_or_useless_admin(settings: Settings) -> Iterator[str]:
    admin = settings.admin
    for network in admin.networks:
        if admin.listen and not ip_address(admin.listen.host).is_loopback and network.prefixlen == 0:
            yield f"admin.networks holds {network}: anyone who can reach {admin.listen} may read metrics and health"
    if not admin.listen:
        if settings.probe_seconds:
            yield "probe.every has no effect without admin.listen: no page shows the results"
        if admin.ready_needs_upstream or admin.token_file or admin.tls:
            yield "admin.listen is empty, so the other keys of admin have no effect"


def _useless_report_rules(settings: Settings) -> Iterator[str]:
    for rule in settings.policy.rules:
        if rule.report and not rule.domain:
            decision = settings.policy.decide(rule.target)
            if decision.allowed:
                yield f"the rule for {rule} has report = true but no effect: {decision.rule} allows it"


def _names_without_tls(settings: Settings) -> Iterator[str]:
    in_force: dict[str, TunnelChecks] = {"tunnel": settings.tunnel}
    for number, network in enumerate(settings.tunnel_networks, 1):
        if network.require_server_name is not None or network.require_tls is not None:
            in_force[f"tunnel.network, item {number},"] = overlay(settings.tunnel, network)
    for rule in settings.policy.rules:
        if rule.require_server_name is not None or rule.require_tls is not None:
            in_force[f"the rule for {rule}"] = overlay(settings.tunnel, rule)
    for place, checks in in_force.items():
        if checks.require_server_name and not checks.require_tls:
            yield f"{place} requires a server name but not TLS: clients without TLS need no name"


def _refused_connect_to(settings: Settings) -> Iterator[str]:
    parents = {(parent.host, parent.port) for parent in settings.parents.proxies}
    for to in settings.dial.connect_to:
        decision = settings.policy.decide(Target(to.host, to.port))
        if not decision.allowed and not decision.reported and (to.host, to.port) not in parents:
            yield f"dial.connect_to names {Target(to.host, to.port)}, which the allowlist refuses; add a rule for it"
