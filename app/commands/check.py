"""`licensegate check`: prints the settings that would be in force, and warns about probable mistakes."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from licensegate.allowlist.policy import Mode
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.logs.open_sink import LogPlaceError
from licensegate.app.settings import Log, LogKind, Settings, SettingsError, load
from licensegate.app.settings.messages import shown
from licensegate.app.terminal import complain, say, say_json
from licensegate.certs.host_names import host_name
from licensegate.certs.pem import CertificateError
from licensegate.doctor.host import preconditions
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.place import LedgerSettings
from licensegate.products.settings import AskedProduct
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.settings import NetworkChecks, TunnelChecks

from . import check_logins, check_logs, check_parents, check_tls
from .check_result import CheckResult
from .check_warnings import warnings
from .layout import counted, json_text, sections
from .policy_tests import try_policy, untouched
from .service_user import PACKAGED_USER, become, has_packaged_user

NOTES: Final = """\
  What depends on the user who runs the gate, such as the right to read a key, is looked at as the user of --user;
  without it, what this user cannot tell is said to be not looked at.

  --tests tries a file of tests of the allowlist, such as
    [[test]]
    name = "CUCM reaches Cisco"
    client = "10.1.2.3"
    target = "tools.cisco.com"
    expect = "allow"             (or "deny", or "report" for a target that only report-only mode lets pass)

exit status:
  0  the settings can be used on this host; there may be warnings on standard error
  1  they can, but a test of --tests failed
  2  they cannot; the error names the place
"""

_MODES: Final = {
    Mode.ENFORCE: "enforce: other targets are refused",
    Mode.REPORT: "report: other targets pass, and their records say that they would have been refused",
}


def report(settings: Settings) -> str:
    """Describe everything in force. Raises LoginFileError for an unusable file of users."""
    return sections(
        {
            "settings": [settings.source],
            "listen": _listen(settings),
            "announce": [settings.announce or "the addresses that are bound"],
            "tls": check_tls.lines(settings),
            "logins": check_logins.lines(settings),
            "clients": [str(network) for network in settings.client_networks],
            "mode": [_MODES[settings.policy.mode]],
            "targets": _targets(settings),
            "more presets": _more_presets(settings),
            "tunnel": _tunnel(settings),
            "connect_to": _connect_to(settings),
            "parents": check_parents.lines(settings),
            "dial from": [settings.dial.source_address or "chosen by the system"],
            "limits": _values(settings.limits),
            "dns": _values(settings.dns),
            "admin": _admin(settings),
            "probe": _probe(settings),
            "state": [str(settings.state_directory or "nothing is kept")],
            "names": [_named(client) for client in settings.named_clients],
            "ledger": [_ledger(settings.ledger)],
            "products": [_asked(product) for product in settings.products] or ["none is asked"],
            "log": list(_log_lines(settings.log)),
            "policy": [settings.policy.hash],
        }
    )


def _named(client: NamedClient) -> str:
    """A named client: how it is recognised, and its product."""
    matchers = [*map(str, client.networks)]
    matchers += [f"user {name}" for name in client.users] + [f"certificate {name}" for name in client.certificates]
    kinds = [client.product, "on an SSM On-Prem" * client.on_prem, "reserved" * client.reserved]
    how = ", ".join(matchers) or "contacts by hand only"
    return f"{client.name}: {how}; {', '.join(filter(None, kinds)) or 'the general clocks'}"


def _asked(product: AskedProduct) -> str:
    """A product that the gate asks itself, and how its certificate is verified."""
    verified = f"certificate {product.fingerprint}" if product.fingerprint else f"roots in {product.ca or 'the system'}"
    return f"{product.client} at {product.address} as {product.username}, every {product.every // 3600} h, {verified}"


def _ledger(ledger: LedgerSettings) -> str:
    if not ledger.place.is_kept:
        return "none is kept; set state.directory or ledger.url"
    return f"{ledger.place}, for {ledger.days} days"


def _listen(settings: Settings) -> list[str]:
    lines = []
    for address in settings.listen:
        balancers = " and ".join(map(str, address.proxy_protocol_from))
        lines.append(f"{address}{f', with a PROXY header from {balancers}' if balancers else ''}")
    if not all(address.named for address in settings.listen):
        lines.append("the defaults: addresses that cannot be bound are skipped")
    return lines


def _targets(settings: Settings) -> list[str]:
    presets = load_presets()
    targets = [rule.target for rule in settings.policy.rules]
    width = max((len(str(target)) for target in targets), default=0)
    lines = []
    for rule, target in zip(settings.policy.rules, targets, strict=True):
        if rule.preset:
            entry = presets[rule.preset].entry_for(rule)
            why = f"preset {rule.preset}{'' if entry.verified else ', unverified'}: {entry.why}"
        else:
            why = "; ".join(["rule of your own", *_terms(rule)])
        lines.append(f"{target!s:{width}}  {why}")
    return lines


def _terms(rule: Rule) -> Iterator[str]:
    if rule.private:
        yield "its addresses may be private"
    for key in ("users", "networks", "certificates"):
        if whom := getattr(rule, key):
            yield f"for {key} {' or '.join(map(str, whom))}"
    if rule.report:
        yield "only reported, not allowed"
    if rule.ca:
        yield f"judged by {rule.ca}"
    yield from _check_lines(rule)


def _more_presets(settings: Settings) -> list[str]:
    """The presets that would allow more targets."""
    decide = settings.policy.decide
    return [
        f"{preset.name}: {preset.title}"
        for preset in load_presets().values()
        if not all(decide(entry.target).allowed for entry in preset.entries)
    ]


def _connect_to(settings: Settings) -> list[str]:
    return [
        f"{Target(to.host, to.port)} goes to {Target(to.address, to.address_port)}" for to in settings.dial.connect_to
    ]


def _admin(settings: Settings) -> list[str]:
    admin = settings.admin
    if admin.listen is None:
        return ["no admin server"]
    optional = "" if admin.listen.named else ", unless that cannot be bound"
    all_pages = "or the token" if admin.token_file else "only"
    return [
        f"{admin.url}{optional}",
        f"metrics and health for {' and '.join(map(str, admin.networks))}",
        f"pages that name clients for programs on this host {all_pages}",
        f"ready_needs_upstream = {shown(admin.ready_needs_upstream)}",
    ]


def _probe(settings: Settings) -> Iterator[str]:
    if settings.probe_seconds is None:
        yield "targets are dialled only when /upstreamz is requested"
    else:
        yield f"targets are dialled every {settings.probe_seconds} s, unless a tunnel has reached them meanwhile"
    looks = settings.looks
    yield (
        "targets are looked at only when asked"
        if looks.seconds is None
        else f"targets are looked at every {looks.seconds} s"
    )
    if looks.roots:
        yield f"more public roots in {looks.roots}"


def _log_lines(log: Log) -> Iterator[str]:
    for key, place in log.places.items():
        yield f"{key.removeprefix('log.')} to {place}"
    yield f"level {log.level}"
    if log.lines_per_client:
        yield f"{log.lines_per_client} lines per second of one client, the rest as a summary"
    else:
        yield "every line of every client"
    yield f"format {log.format}"
    if any(place.is_syslog for place in log.places.values()):
        syslog = log.syslog
        yield f"syslog as {syslog.app_name}, facility {syslog.facility}, format {syslog.format}"
    if any(place.kind is LogKind.SYSLOG_TLS for place in log.places.values()):
        yield f"syslog servers verified by {log.syslog.ca or 'the authorities of the system'}"


def _tunnel(settings: Settings) -> list[str]:
    return [
        *_check_lines(settings.tunnel),
        *(
            f"from {' and '.join(map(str, differing.networks))}: {', '.join(_check_lines(differing))}"
            for differing in settings.tunnel_networks
        ),
    ]


def _check_lines(checks: TunnelChecks | NetworkChecks | Rule) -> Iterator[str]:
    for name in TunnelChecks.__struct_fields__:
        value = getattr(checks, name)
        if value is not None:
            yield f"{name} = {shown(value)}"


def _values(part: Struct) -> list[str]:
    values = structs.asdict(part).items()
    return [f"{name} = {value if isinstance(value, str) else format(value, '.15g')}" for name, value in values]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    named = parser.add_mutually_exclusive_group()
    named.add_argument("--config", metavar="FILE", type=Path, help="the settings file, as all commands take it")
    named.add_argument("file", metavar="FILE", type=Path, nargs="?", help="the settings file")
    parser.add_argument("--tests", metavar="FILE", type=Path, help="try the tests of the allowlist in this file")
    parser.add_argument("--user", metavar="NAME", help="look as this user, the one who runs the gate; needs root")
    parser.add_argument("--json", action="store_true", help="print one line of JSON: docs/terminal.md")


def run(arguments: argparse.Namespace) -> int:
    """Print what would be in force, and the warnings."""
    result = CheckResult()
    try:
        _examine(arguments, result)
    except (CertificateError, LogPlaceError, LoginFileError, SettingsError) as error:
        result.faults.append(str(error))
    result.usable = not result.faults
    if arguments.json:
        say_json(json_text(result))
    else:
        _tell(result)
    return result.status


def _examine(arguments: argparse.Namespace, result: CheckResult) -> None:
    """Look at everything. Prints the report unless the result will be printed as JSON.

    Raises CertificateError, LogPlaceError, LoginFileError or SettingsError.
    """
    file = arguments.file or arguments.config
    settings = load(file, os.environ)
    name = host_name()
    if arguments.user is not None:
        become(arguments.user)
        settings = load(file, os.environ)  # again: that user may not be able to
    result.describe(settings)
    results = [] if arguments.tests is None else try_policy(settings, arguments.tests)
    if not arguments.json:
        say(report(settings))
    faults = list(preconditions.faults(settings))  # before the warnings: it raises what would also be one of them
    result.warnings += warnings(settings, os.environ, name)
    result.warnings += check_logs.unreachable(settings)
    result.take_tests(results)
    if results:
        result.warnings += [f"no test asks for {rule}" for rule in untouched(settings.policy.rules, settings, results)]
    lacking = list(preconditions.lacking_rights(settings))
    if arguments.user is not None:
        faults += [f"{each} by the user {arguments.user}; let that user do it" for each in lacking]
    else:
        remedy = "run this as the gate's user, or as root with --user"
        result.not_looked_at += [f"{each} by this user; {remedy}" for each in lacking]
        if os.geteuid() == 0 and has_packaged_user():
            result.not_looked_at.append(f"what the gate's user may read and write; add --user {PACKAGED_USER}")
    result.not_looked_at += preconditions.needed_at_start(settings)
    result.faults += faults


def _tell(result: CheckResult) -> None:
    """Print what was found, the faults and the tests that failed last."""
    for warning in result.warnings:
        complain(f"warning: {warning}")
    for each in result.not_looked_at:
        complain(f"not looked at: {each}")
    for fault in result.faults:
        complain(fault)
    failed = [case for case in result.tests if case.fault]
    for case in failed:
        complain(f"failed: {case.test}: {case.fault}")
    if result.tests:
        say(f"tests         {len(result.tests) - len(failed)} of {counted(len(result.tests), 'test')} as expected")
