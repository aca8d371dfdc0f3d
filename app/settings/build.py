"""From what was written to what is in force: texts read, values checked against each other, defaults filled in."""

import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import structs

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.policy import DuplicateRule, Policy, UnknownPreset
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.proxy.auth.user_files import user_fault
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.settings import Limits, ListenAddress, NetworkChecks, TunnelChecks

from .address import read_connect_to, read_host, read_ip, read_listen, read_network, read_rule_host
from .duration import read_every
from .logins import read_auth, read_listener_schemes
from .named_files import holds_private_key, missing
from .origin import Origin
from .parents import read_parents
from .schema import (
    AdminTable,
    AllowlistTable,
    AuthTable,
    File,
    ListenTable,
    LogTable,
    RuleTable,
    TlsTable,
    TunnelNetworkTable,
    TunnelTable,
)
from .values import DEFAULT_ADMIN, DEFAULT_LISTEN, Admin, Auth, Log, Settings, SettingsError, Tls
from .wording import shown

_T = TypeVar("_T")


def build(
    file: File, origin: Origin, folder: Path, packaged_state: Path | None, environ: Mapping[str, str]
) -> Settings:
    """Make the settings of a file and what was laid over it; raises SettingsError.

    A path in the file is relative to `folder`, one in the environment to where the gate was started. `packaged_state`
    is the state directory where no other is named. Passwords that the file leaves to it are in `environ`.
    """
    client_networks = _client_networks(file.clients.networks, origin)
    parents = read_parents(file.parent, origin, folder, environ)
    login_files = _login_files(file.auth, origin, folder)
    trusted = _networks(file.auth.trusted_networks, origin, "auth.trusted_networks")
    auth = read_auth(file.auth, login_files, trusted, origin)
    listen = _listen(file.listen, auth, origin)
    admin = _admin(file.admin, client_networks, origin, folder)
    _keep_apart(listen, admin, origin)
    return Settings(
        listen=listen,
        tls=_tls(file.tls, login_files, origin, folder),
        auth=auth,
        client_networks=client_networks,
        policy=_policy(file.allowlist, origin),
        tunnel=_tunnel(file.tunnel),
        tunnel_networks=_tunnel_networks(file.tunnel.network, origin),
        dial=DialSettings(
            connect_to=_connect_to(file.dial.connect_to, origin),
            source_address=_source_address(file.dial.source_address, origin),
        ),
        parents=parents,
        dns=DnsSettings(**structs.asdict(file.dns)),
        limits=Limits(**structs.asdict(file.limits)),
        admin=admin,
        probe_seconds=_read(read_every, file.probe.every, origin.place("probe.every")),
        state_directory=_state_directory(file.state.directory, origin, folder) or packaged_state,
        log=_log(file.log, origin, folder),
        source=str(origin),
    )


def _listen(tables: Sequence[ListenTable], auth: Auth, origin: Origin) -> tuple[ListenAddress, ...]:
    addresses = _read_each(read_listen, [table.address for table in tables], origin, "listen", "address")
    # A system's choice of port is another each time, so port 0 has no twin.
    _refuse_twins([(address.host, address.port or object()) for address in addresses], origin, "listen")
    listen = []
    for number, (address, table) in enumerate(zip(addresses, tables, strict=True), 1):
        balancers = _networks(table.proxy_protocol_from, origin, "listen", number, "proxy_protocol_from")
        schemes = read_listener_schemes(table.auth, number, auth, origin)
        listen.append(structs.replace(address, proxy_protocol_from=balancers, schemes=schemes))
    return tuple(listen) or DEFAULT_LISTEN


def _login_files(table: AuthTable, origin: Origin, folder: Path) -> dict[str, Path | None]:
    """The files that logins need, by key."""
    return {
        **{key: _pem(getattr(table, key), f"auth.{key}", origin, folder) for key in ("client_ca", "client_crl")},
        **{
            key: _there(getattr(table, key), f"auth.{key}", remedy, origin, folder)
            for key, remedy in (
                ("htpasswd", "add a user to it with `licensegate passwd`"),
                ("htdigest", "add a user to it with `licensegate passwd`"),
                ("nonce_key_file", "make one with `openssl rand -hex 32`"),
            )
        },
    }


def _tls(table: TlsTable, login_files: Mapping[str, Path | None], origin: Origin, folder: Path) -> Tls:
    certificate = _pem(table.certificate, "tls.certificate", origin, folder)
    key = _pem(table.key, "tls.key", origin, folder)
    if key and not certificate:
        raise SettingsError(f"{origin.place('tls.key')}: a key without a certificate; name that in tls.certificate")
    if certificate and not key and not holds_private_key(certificate):
        place = origin.place("tls.certificate")
        raise SettingsError(f"{place}: {certificate} has no private key in it; name the file that has it in tls.key")
    names = _read_each(read_host, table.names, origin, "tls.names")
    _refuse_twins(names, origin, "tls.names")
    return Tls(certificate, key or certificate, names, login_files["client_ca"], login_files["client_crl"])


def _client_networks(texts: Sequence[str], origin: Origin) -> tuple[Network, ...]:
    networks = _networks(texts, origin, "clients.networks")
    if not networks:
        place = origin.place("clients.networks")
        raise SettingsError(f'{place}: an empty list lets nobody use the gate; name a network, like "10.0.0.0/8"')
    return networks


def _policy(table: AllowlistTable, origin: Origin) -> Policy:
    hosts = _read_each(read_rule_host, [rule.host for rule in table.rule], origin, "allowlist.rule", "host")
    rules = [
        _rule(rule, host, number, origin) for number, (rule, host) in enumerate(zip(table.rule, hosts, strict=True), 1)
    ]
    try:
        return Policy(table.presets, rules, load_presets(), table.mode)
    except UnknownPreset as error:
        raise SettingsError(f"{origin.place('allowlist.presets')}: {error}") from None
    except DuplicateRule as error:
        raise SettingsError(f"{origin.place('allowlist.rule')}: {error}") from None


def _rule(table: RuleTable, host: str, number: int, origin: Origin) -> Rule:
    for key in ("users", "certificates"):
        for item, name in enumerate(getattr(table, key), 1):
            if fault := user_fault(name):
                place = origin.place("allowlist.rule", number, key, item)
                raise SettingsError(f"{place}: {shown(name)} is nobody: {fault}")
    networks = _networks(table.networks, origin, "allowlist.rule", number, "networks")
    return Rule(**structs.asdict(table) | {"host": host, "networks": networks})


def _tunnel(table: TunnelTable) -> TunnelChecks:
    return TunnelChecks(table.require_tls, table.match_server_name, table.require_server_name)


def _tunnel_networks(tables: Sequence[TunnelNetworkTable], origin: Origin) -> tuple[NetworkChecks, ...]:
    differing = []
    for number, table in enumerate(tables, 1):
        networks = _networks(table.networks, origin, "tunnel.network", number, "networks")
        checks = NetworkChecks(**structs.asdict(table) | {"networks": networks})
        if not networks or checks == NetworkChecks(networks):
            place = origin.place("tunnel.network", number)
            raise SettingsError(
                f"{place}: changes nothing; give it networks, and one of {', '.join(TunnelChecks.__struct_fields__)}"
            )
        differing.append(checks)
    return tuple(differing)


def _connect_to(texts: Sequence[str], origin: Origin) -> tuple[ConnectTo, ...]:
    entries = _read_each(read_connect_to, texts, origin, "dial.connect_to")
    _refuse_twins([(entry.host, entry.port) for entry in entries], origin, "dial.connect_to")
    return entries


def _source_address(text: str, origin: Origin) -> str:
    return _read(read_ip, text, origin.place("dial.source_address")) if text else ""


def _admin(table: AdminTable, client_networks: tuple[Network, ...], origin: Origin, folder: Path) -> Admin:
    listen = _read(read_listen, table.listen, origin.place("admin.listen")) if table.listen else None
    if listen == structs.replace(DEFAULT_ADMIN, named=True):
        listen = DEFAULT_ADMIN
    networks = _networks(table.networks, origin, "admin.networks") or client_networks
    token_file = _path(table.token_file, "admin.token_file", origin, folder) if table.token_file else None
    if token_file and (fault := missing(token_file)):
        place = origin.place("admin.token_file")
        raise SettingsError(f"{place}: {token_file}: {fault}; make one with `openssl rand -hex 32`")
    return Admin(listen, networks, token_file, table.ready_needs_upstream)


def _keep_apart(listen: Sequence[ListenAddress], admin: Admin, origin: Origin) -> None:
    """Clients and whoever watches need an address each: the gate could only blame another program for its own."""
    for number, address in enumerate(listen, 1):
        if admin.listen and address.named and _overlap(address, admin.listen):
            place = origin.place("listen", number, "address")
            raise SettingsError(
                f"{place}: {address} takes the address of admin.listen, {admin.listen}; change one of them"
            )


def _overlap(one: ListenAddress, other: ListenAddress) -> bool:
    """Whether the system would not let both listen."""
    same_host = one.host == other.host or bool({one.host, other.host} & {"0.0.0.0", "::"})
    return same_host and (":" in one.host) == (":" in other.host) and one.port == other.port != 0


def _state_directory(text: str, origin: Origin, folder: Path) -> Path | None:
    return _path(text, "state.directory", origin, folder) if text else None


def _log(table: LogTable, origin: Origin, folder: Path) -> Log:
    access = table.access if table.access == "-" else str(_path(table.access, "log.access", origin, folder))
    return Log(access, table.level)


def _pem(text: str, key: str, origin: Origin, folder: Path) -> Path | None:
    return _there(text, key, "name a PEM file that is there", origin, folder)


def _there(text: str, key: str, remedy: str, origin: Origin, folder: Path) -> Path | None:
    if not text:
        return None
    path = _path(text, key, origin, folder)
    if fault := missing(path):
        raise SettingsError(f"{origin.place(key)}: {path}: {fault}; {remedy}")
    return path


def _path(text: str, key: str, origin: Origin, folder: Path) -> Path:
    if not text or "\0" in text:
        raise SettingsError(f"{origin.place(key)}: {shown(text)} is not a path; write one, or leave {key} out")
    return Path(os.path.abspath(text if key in origin.variables else folder / text))


def _networks(texts: Sequence[str], origin: Origin, key: str, *within: str | int) -> tuple[Network, ...]:
    return tuple(_read(read_network, text, origin.place(key, *within, item)) for item, text in enumerate(texts, 1))


def _read(read: Callable[[str], _T], text: str, place: str) -> _T:
    try:
        return read(text)
    except ValueError as error:
        raise SettingsError(f"{place}: {shown(text)} {error}") from None


def _read_each(
    read: Callable[[str], _T], texts: Iterable[str], origin: Origin, key: str, inner: str = ""
) -> tuple[_T, ...]:
    return tuple(_read(read, text, origin.place(key, number, inner)) for number, text in enumerate(texts, 1))


def _refuse_twins(values: Sequence[Hashable], origin: Origin, key: str) -> None:
    first = {value: number for number, value in reversed(list(enumerate(values, 1)))}
    for number, value in enumerate(values, 1):
        if first[value] != number:
            raise SettingsError(f"{origin.place(key, number)}: the same as item {first[value]}; remove one of them")
