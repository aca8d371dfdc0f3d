"""Builds the settings from the file's tables: reads texts, checks values against each other, fills in defaults."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import structs

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.policy import Policy
from licensegate.products.settings import AskedProduct
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.parent.settings import ParentSettings
from licensegate.proxy.settings import Limits, ListenAddress, NetworkChecks, TunnelChecks

from .address import read_connect_to, read_host, read_ip, read_listen
from .allowlist import read_policy
from .contradictions import refuse_duplicates, refuse_logs_over, refuse_overlaps, refuse_shared_address
from .duration import read_every
from .environment import ADMIN_DEFAULT
from .file_checks import missing
from .ledger import read_clients, read_ledger
from .log_place import LogPlace, read_log_place
from .logins import read_auth, read_listener_schemes
from .messages import shown
from .parents import read_parents
from .products import read_products
from .schema import (
    AdminTable,
    AuthTable,
    File,
    ListenTable,
    LogTable,
    ProbeTable,
    TlsTable,
    TunnelNetworkTable,
    TunnelTable,
    values,
)
from .settings import DEFAULT_ADMIN, DEFAULT_LISTEN, Admin, Auth, Log, Looks, Settings, SettingsError, Syslog, Tls
from .source import SettingsSource
from .text_readers import read_each, read_existing, read_key_pair, read_networks, read_path, read_pem, read_text

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
    trusted = read_networks(file.auth.trusted_networks, source, "auth.trusted_networks")
    auth = read_auth(file.auth, login_files, trusted, source)
    listen = _listen(file.listen, auth, source)
    admin = _admin(file.admin, client_networks, source, folder, environ)
    refuse_shared_address(listen, admin, source)
    tls = _tls(file.tls, login_files, source, folder)
    log = _log(file.log, source, folder)
    policy = read_policy(file.allowlist, source, folder)
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
        probe_seconds=read_text(read_every, file.probe.every, source.place("probe.every")),
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
    addresses = read_each(read_listen, [table.address for table in tables], source, "listen", "address")
    # The system chooses another port each time, so port 0 may be given twice.
    refuse_overlaps(addresses, source)
    listen = []
    for number, (address, table) in enumerate(zip(addresses, tables, strict=True), 1):
        balancers = read_networks(table.proxy_protocol_from, source, "listen", number, "proxy_protocol_from")
        schemes = read_listener_schemes(table.auth, number, auth, source)
        listen.append(structs.replace(address, proxy_protocol_from=balancers, schemes=schemes))
    return tuple(listen) or DEFAULT_LISTEN


def _announce(text: str, source: SettingsSource) -> str:
    if not text:
        return ""
    host = read_text(read_host, text, source.place("announce"))
    if host in _OF_NO_HOST:
        raise SettingsError(
            f"{source.place('announce')}: no client can reach the gate by {shown(text)}; write the name or the address "
            "that clients use, or leave announce out"
        )
    return host


def _login_files(table: AuthTable, source: SettingsSource, folder: Path) -> dict[str, Path | None]:
    """The files that logins need, by key."""
    return {
        **{key: read_pem(getattr(table, key), f"auth.{key}", source, folder) for key in ("client_ca", "client_crl")},
        **{
            key: read_existing(getattr(table, key), f"auth.{key}", remedy, source, folder)
            for key, remedy in (
                ("htpasswd", "add a user to it with `licensegate passwd`"),
                ("htdigest", "add a user to it with `licensegate passwd`"),
                ("nonce_key_file", "make one with `openssl rand -hex 32`"),
            )
        },
    }


def _tls(table: TlsTable, login_files: Mapping[str, Path | None], source: SettingsSource, folder: Path) -> Tls:
    certificate, key = read_key_pair(table.certificate, table.key, "tls.", source, folder)
    names = read_each(read_host, table.names, source, "tls.names")
    refuse_duplicates(names, source, "tls.names")
    return Tls(certificate, key, names, login_files["client_ca"], login_files["client_crl"])


def _client_networks(texts: Sequence[str], source: SettingsSource) -> tuple[Network, ...]:
    networks = read_networks(texts, source, "clients.networks")
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
    seconds = read_text(read_every, table.handshake, source.place("probe.handshake"))
    return Looks(seconds, read_pem(table.roots, "probe.roots", source, folder))


def _tunnel(table: TunnelTable) -> TunnelChecks:
    return TunnelChecks(table.require_tls, table.match_server_name, table.require_server_name)


def _tunnel_networks(tables: Sequence[TunnelNetworkTable], source: SettingsSource) -> tuple[NetworkChecks, ...]:
    differing = []
    for number, table in enumerate(tables, 1):
        networks = read_networks(table.networks, source, "tunnel.network", number, "networks")
        checks = NetworkChecks(**structs.asdict(table) | {"networks": networks})
        if not networks or checks == NetworkChecks(networks):
            place = source.place("tunnel.network", number)
            raise SettingsError(
                f"{place}: changes nothing; give it networks, and one of {', '.join(TunnelChecks.__struct_fields__)}"
            )
        differing.append(checks)
    return tuple(differing)


def _connect_to(texts: Sequence[str], source: SettingsSource) -> tuple[ConnectTo, ...]:
    entries = read_each(read_connect_to, texts, source, "dial.connect_to")
    refuse_duplicates([(entry.host, entry.port) for entry in entries], source, "dial.connect_to")
    return entries


def _source_address(text: str, source: SettingsSource) -> str:
    return read_text(read_ip, text, source.place("dial.source_address")) if text else ""


def _admin(
    table: AdminTable,
    client_networks: tuple[Network, ...],
    source: SettingsSource,
    folder: Path,
    environ: Mapping[str, str],
) -> Admin:
    listen = _admin_address(table.listen, source, environ)
    networks = read_networks(table.networks, source, "admin.networks") or client_networks
    token_file = read_path(table.token_file, "admin.token_file", source, folder) if table.token_file else None
    if token_file and (fault := missing(token_file)):
        place = source.place("admin.token_file")
        raise SettingsError(f"{place}: {token_file}: {fault}; make one with `openssl rand -hex 32`")
    return Admin(listen, networks, token_file, table.ready_needs_upstream, table.tls)


def _admin_address(text: str | None, source: SettingsSource, environ: Mapping[str, str]) -> ListenAddress | None:
    """The admin server's address: the operator's, the image's or the default, in this order; None if turned off."""
    if text is not None:
        return read_text(read_listen, text, source.place("admin.listen")) if text else None
    default = environ.get(ADMIN_DEFAULT)
    return structs.replace(read_text(read_listen, default, ADMIN_DEFAULT), named=False) if default else DEFAULT_ADMIN


def _state_directory(text: str, source: SettingsSource, folder: Path) -> Path | None:
    return read_path(text, "state.directory", source, folder) if text else None


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
    return read_text(partial(read_log_place, folder=base), text, source.place(key))


def _syslog(table: LogTable, source: SettingsSource, folder: Path) -> Syslog:
    certificate, key = read_key_pair(table.syslog_certificate, table.syslog_key, "log.syslog_", source, folder)
    ca = read_pem(table.syslog_ca, "log.syslog_ca", source, folder)
    return Syslog(table.syslog_facility, table.syslog_app_name, table.syslog_format, ca, certificate, key)
