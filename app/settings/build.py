"""Builds the settings from the file's tables: reads texts, checks values against each other, fills in defaults."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from msgspec import structs

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.policy import DuplicateRule, Policy, UnknownPreset
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.products.settings import AskedProduct
from licensegate.proxy.auth.user_files import user_fault
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.parent.settings import ParentSettings
from licensegate.proxy.settings import Limits, ListenAddress, NetworkChecks, TunnelChecks

from .address import read_connect_to, read_host, read_ip, read_listen, read_network, read_rule_host
from .contradictions import refuse_duplicates, refuse_logs_over, refuse_overlaps, refuse_shared_address
from .duration import read_every
from .environment import ADMIN_DEFAULT
from .file_checks import holds_private_key, missing
from .ledger import read_clients, read_ledger
from .log_place import LogPlace, read_log_place
from .logins import read_auth, read_listener_schemes
from .messages import shown
from .parents import read_parents
from .products import read_products
from .schema import (
    AdminTable,
    AllowlistTable,
    AuthTable,
    File,
    ListenTable,
    LogTable,
    ProbeTable,
    RuleTable,
    TlsTable,
    TunnelNetworkTable,
    TunnelTable,
    values,
)
from .settings import DEFAULT_ADMIN, DEFAULT_LISTEN, Admin, Auth, Log, Looks, Settings, SettingsError, Syslog, Tls
from .source import SettingsSource

_T = TypeVar("_T")

_OF_NO_HOST: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})


def build(
    file: File, source: SettingsSource, folder: Path, packaged_state: Path | None, environ: Mapping[str, str]
) -> Settings:
    """Build the settings from the file with its overrides. Raises SettingsError.

    Paths in the file are relative to `folder`, paths in the environment to the working directory. `packaged_state` is
    the default state directory. `environ` has the passwords that the file names by `password_env`.
    """
    client_networks = _client_networks(file.clients.networks, source)
    parents = read_parents(file.parent, source, folder, environ)
    login_files = _login_files(file.auth, source, folder)
    trusted = _networks(file.auth.trusted_networks, source, "auth.trusted_networks")
    auth = read_auth(file.auth, login_files, trusted, source)
    listen = _listen(file.listen, auth, source)
    admin = _admin(file.admin, client_networks, source, folder, environ)
    refuse_shared_address(listen, admin, source)
    tls = _tls(file.tls, login_files, source, folder)
    log = _log(file.log, source, folder)
    policy = _policy(file.allowlist, source, folder)
    looks = _looks(file.probe, source, folder)
    named_clients = read_clients(file.client, source)
    products = read_products(file.product, named_clients, source, folder)
    state_directory = _state_directory(file.state.directory, source, folder) or packaged_state
    syslog_files = (log.syslog.ca, log.syslog.certificate, log.syslog.key)
    own_files = (*login_files.values(), tls.certificate, tls.key, admin.token_file, looks.roots, *syslog_files)
    refuse_logs_over(log, (*own_files, *_files_of_others(parents, policy, products)), source)
    return Settings(
        listen=listen,
        announce=_announce(file.announce, source),
        tls=tls,
        auth=auth,
        client_networks=client_networks,
        policy=policy,
        tunnel=_tunnel(file.tunnel),
        tunnel_networks=_tunnel_networks(file.tunnel.network, source),
        dial=DialSettings(
            connect_to=_connect_to(file.dial.connect_to, source),
            source_address=_source_address(file.dial.source_address, source),
        ),
        parents=parents,
        dns=DnsSettings(**structs.asdict(file.dns)),
        limits=Limits(**structs.asdict(file.limits)),
        admin=admin,
        probe_seconds=_read(read_every, file.probe.every, source.place("probe.every")),
        looks=looks,
        state_directory=state_directory,
        state_named=bool(file.state.directory),
        log=log,
        source=str(source),
        written=values(file),
        named_clients=named_clients,
        products=products,
        ledger=read_ledger(file.ledger, state_directory, source),
    )


def _listen(tables: Sequence[ListenTable], auth: Auth, source: SettingsSource) -> tuple[ListenAddress, ...]:
    addresses = _read_each(read_listen, [table.address for table in tables], source, "listen", "address")
    # The system chooses another port each time, so port 0 may be given twice.
    refuse_overlaps(addresses, source)
    listen = []
    for number, (address, table) in enumerate(zip(addresses, tables, strict=True), 1):
        balancers = _networks(table.proxy_protocol_from, source, "listen", number, "proxy_protocol_from")
        schemes = read_listener_schemes(table.auth, number, auth, source)
        listen.append(structs.replace(address, proxy_protocol_from=balancers, schemes=schemes))
    return tuple(listen) or DEFAULT_LISTEN


def _announce(text: str, source: SettingsSource) -> str:
    if not text:
        return ""
    host = _read(read_host, text, source.place("announce"))
    if host in _OF_NO_HOST:
        raise SettingsError(
            f"{source.place('announce')}: no client can reach the gate by {shown(text)}; write the name or the address "
            "that clients use, or leave announce out"
        )
    return host


def _login_files(table: AuthTable, source: SettingsSource, folder: Path) -> dict[str, Path | None]:
    """The files that logins need, by key."""
    return {
        **{key: _pem(getattr(table, key), f"auth.{key}", source, folder) for key in ("client_ca", "client_crl")},
        **{
            key: _existing(getattr(table, key), f"auth.{key}", remedy, source, folder)
            for key, remedy in (
                ("htpasswd", "add a user to it with `licensegate passwd`"),
                ("htdigest", "add a user to it with `licensegate passwd`"),
                ("nonce_key_file", "make one with `openssl rand -hex 32`"),
            )
        },
    }


def _tls(table: TlsTable, login_files: Mapping[str, Path | None], source: SettingsSource, folder: Path) -> Tls:
    certificate, key = _key_pair(table.certificate, table.key, "tls.", source, folder)
    names = _read_each(read_host, table.names, source, "tls.names")
    refuse_duplicates(names, source, "tls.names")
    return Tls(certificate, key, names, login_files["client_ca"], login_files["client_crl"])


def _key_pair(
    certificate: str, key: str, prefix: str, source: SettingsSource, folder: Path
) -> tuple[Path | None, Path | None]:
    """The files of a certificate and of its key, perhaps the same; both None without one."""
    chain = _pem(certificate, f"{prefix}certificate", source, folder)
    own = _pem(key, f"{prefix}key", source, folder)
    if own and not chain:
        place = source.place(f"{prefix}key")
        raise SettingsError(f"{place}: a key without a certificate; set {prefix}certificate too")
    if chain and not own and not holds_private_key(chain):
        place = source.place(f"{prefix}certificate")
        raise SettingsError(f"{place}: {chain} has no private key in it; name the file that has it in {prefix}key")
    return chain, own or chain


def _client_networks(texts: Sequence[str], source: SettingsSource) -> tuple[Network, ...]:
    networks = _networks(texts, source, "clients.networks")
    if not networks:
        place = source.place("clients.networks")
        raise SettingsError(f'{place}: an empty list lets nobody use the gate; name a network, like "10.0.0.0/8"')
    return networks


def _files_of_others(
    parents: ParentSettings, policy: Policy, products: Iterable[AskedProduct]
) -> Iterator[Path | None]:
    """The files that are read to deal with parents, targets and products: passwords and roots."""
    for parent in parents.proxies:
        yield from (parent.login.password_file, parent.login.keytab, parent.ca)
    for rule in policy.rules:
        yield Path(rule.ca) if rule.ca else None
    for product in products:
        yield from (product.password_file, product.ca)


def _looks(table: ProbeTable, source: SettingsSource, folder: Path) -> Looks:
    seconds = _read(read_every, table.handshake, source.place("probe.handshake"))
    return Looks(seconds, _pem(table.roots, "probe.roots", source, folder))


def _policy(table: AllowlistTable, source: SettingsSource, folder: Path) -> Policy:
    hosts = _read_each(read_rule_host, [rule.host for rule in table.rule], source, "allowlist.rule", "host")
    rules = [
        _rule(rule, host, number, source, folder)
        for number, (rule, host) in enumerate(zip(table.rule, hosts, strict=True), 1)
    ]
    try:
        return Policy(table.presets, rules, load_presets(), table.mode)
    except UnknownPreset as error:
        raise SettingsError(f"{source.place('allowlist.presets')}: {error}") from None
    except DuplicateRule as error:
        raise SettingsError(f"{source.place('allowlist.rule')}: {error}") from None


def _rule(table: RuleTable, host: str, number: int, source: SettingsSource, folder: Path) -> Rule:
    for key in ("users", "certificates"):
        for item, name in enumerate(getattr(table, key), 1):
            if fault := user_fault(name):
                place = source.place("allowlist.rule", number, key, item)
                raise SettingsError(f"{place}: {shown(name)} is not a valid name: {fault}")
    networks = _networks(table.networks, source, "allowlist.rule", number, "networks")
    ca = _rule_ca(table.ca, number, source, folder)
    return Rule(**structs.asdict(table) | {"host": host, "networks": networks, "ca": ca})


def _rule_ca(text: str, number: int, source: SettingsSource, folder: Path) -> str:
    if not text:
        return ""
    path, place = folder / text, source.place("allowlist.rule", number, "ca")
    if "\0" in text:
        raise SettingsError(f"{place}: {shown(text)} is not a path; write one, or leave ca out")
    if fault := missing(path):
        raise SettingsError(f"{place}: {path}: {fault}; name an existing PEM file")
    return os.path.abspath(path)


def _tunnel(table: TunnelTable) -> TunnelChecks:
    return TunnelChecks(table.require_tls, table.match_server_name, table.require_server_name)


def _tunnel_networks(tables: Sequence[TunnelNetworkTable], source: SettingsSource) -> tuple[NetworkChecks, ...]:
    differing = []
    for number, table in enumerate(tables, 1):
        networks = _networks(table.networks, source, "tunnel.network", number, "networks")
        checks = NetworkChecks(**structs.asdict(table) | {"networks": networks})
        if not networks or checks == NetworkChecks(networks):
            place = source.place("tunnel.network", number)
            raise SettingsError(
                f"{place}: changes nothing; give it networks, and one of {', '.join(TunnelChecks.__struct_fields__)}"
            )
        differing.append(checks)
    return tuple(differing)


def _connect_to(texts: Sequence[str], source: SettingsSource) -> tuple[ConnectTo, ...]:
    entries = _read_each(read_connect_to, texts, source, "dial.connect_to")
    refuse_duplicates([(entry.host, entry.port) for entry in entries], source, "dial.connect_to")
    return entries


def _source_address(text: str, source: SettingsSource) -> str:
    return _read(read_ip, text, source.place("dial.source_address")) if text else ""


def _admin(
    table: AdminTable,
    client_networks: tuple[Network, ...],
    source: SettingsSource,
    folder: Path,
    environ: Mapping[str, str],
) -> Admin:
    listen = _admin_address(table.listen, source, environ)
    networks = _networks(table.networks, source, "admin.networks") or client_networks
    token_file = _path(table.token_file, "admin.token_file", source, folder) if table.token_file else None
    if token_file and (fault := missing(token_file)):
        place = source.place("admin.token_file")
        raise SettingsError(f"{place}: {token_file}: {fault}; make one with `openssl rand -hex 32`")
    return Admin(listen, networks, token_file, table.ready_needs_upstream, table.tls)


def _admin_address(text: str | None, source: SettingsSource, environ: Mapping[str, str]) -> ListenAddress | None:
    """The admin server's address: the operator's, the image's or the default, in this order; None if turned off."""
    if text is not None:
        return _read(read_listen, text, source.place("admin.listen")) if text else None
    default = environ.get(ADMIN_DEFAULT)
    return structs.replace(_read(read_listen, default, ADMIN_DEFAULT), named=False) if default else DEFAULT_ADMIN


def _state_directory(text: str, source: SettingsSource, folder: Path) -> Path | None:
    return _path(text, "state.directory", source, folder) if text else None


def _log(table: LogTable, source: SettingsSource, folder: Path) -> Log:
    return Log(
        access=_log_place(table.access, "log.access", source, folder),
        service=_log_place(table.service, "log.service", source, folder),
        level=table.level,
        lines_per_client=table.lines_per_client,
        format=table.format,
        changes=_log_place(table.changes, "log.changes", source, folder) if table.changes else None,
        syslog=_syslog(table, source, folder),
    )


def _log_place(text: str, key: str, source: SettingsSource, folder: Path) -> LogPlace:
    base = Path.cwd() if key in source.variables else folder
    return _read(partial(read_log_place, folder=base), text, source.place(key))


def _syslog(table: LogTable, source: SettingsSource, folder: Path) -> Syslog:
    certificate, key = _key_pair(table.syslog_certificate, table.syslog_key, "log.syslog_", source, folder)
    ca = _pem(table.syslog_ca, "log.syslog_ca", source, folder)
    return Syslog(table.syslog_facility, table.syslog_app_name, table.syslog_format, ca, certificate, key)


def _pem(text: str, key: str, source: SettingsSource, folder: Path) -> Path | None:
    return _existing(text, key, "name an existing PEM file", source, folder)


def _existing(text: str, key: str, remedy: str, source: SettingsSource, folder: Path) -> Path | None:
    if not text:
        return None
    path = _path(text, key, source, folder)
    if fault := missing(path):
        raise SettingsError(f"{source.place(key)}: {path}: {fault}; {remedy}")
    return path


def _path(text: str, key: str, source: SettingsSource, folder: Path) -> Path:
    if not text or "\0" in text:
        raise SettingsError(f"{source.place(key)}: {shown(text)} is not a path; write one, or leave {key} out")
    return Path(os.path.abspath(text if key in source.variables else folder / text))


def _networks(texts: Sequence[str], source: SettingsSource, key: str, *within: str | int) -> tuple[Network, ...]:
    return tuple(_read(read_network, text, source.place(key, *within, item)) for item, text in enumerate(texts, 1))


def _read(read: Callable[[str], _T], text: str, place: str) -> _T:
    try:
        return read(text)
    except ValueError as error:
        raise SettingsError(f"{place}: {shown(text)} {error}") from None


def _read_each(
    read: Callable[[str], _T], texts: Iterable[str], source: SettingsSource, key: str, inner: str = ""
) -> tuple[_T, ...]:
    return tuple(_read(read, text, source.place(key, number, inner)) for number, text in enumerate(texts, 1))
