"""The settings that would be in force, described for people: the report of `licensegate check`."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, structs

from licensegate.allowlist.policy import Mode
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.settings import Log, LogKind, Settings
from licensegate.app.settings.messages import shown
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.place import LedgerSettings
from licensegate.products.settings import AskedProduct
from licensegate.proxy.settings import NetworkChecks, TunnelChecks

from . import check_logins, check_parents, check_tls
from .layout import sections

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
