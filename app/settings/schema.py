"""The format of the settings file: tables, keys, types, defaults and ranges.

This is the contract with operators: keys are added, never renamed. Texts such as networks are read in `build`.
"""

from operator import attrgetter
from typing import Annotated, Final

from msgspec import Meta, Struct, structs, to_builtins

from licensegate.allowlist.client_networks import DEFAULT_NETWORKS
from licensegate.allowlist.policy import Mode
from licensegate.ledger.place import DAYS, masked
from licensegate.products.settings import AXL_VERSION
from licensegate.proxy.auth.scheme import SchemeName
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.dial.settings import DnsSettings
from licensegate.proxy.parent.settings import ParentAuth, ParentProxy, ParentTarget
from licensegate.proxy.settings import Limits, Revoke, TunnelChecks

from .messages import PER_SECOND
from .settings import Facility, Level, Log, LogFormat, SyslogFormat

_LIMITS: Final = Limits()
_LOGINS: Final = LoginSettings()
_TUNNEL: Final = TunnelChecks()
_PARENT: Final = ParentProxy("", 0)
_LOGIN: Final = _PARENT.login
_DNS: Final = DnsSettings()
_LOG: Final = Log()

_DAY: Final = 86400
# Long enough for a peer to answer, and at most a day.
WaitSeconds = Annotated[float, Meta(ge=0.1, le=_DAY)]
# 0 turns the wait off.
Seconds = Annotated[float, Meta(ge=0, le=_DAY)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
# 0 turns the limit off.
PerSecond = Annotated[float, Meta(ge=0, le=1_000_000, extra=PER_SECOND)]
HeadBytes = Annotated[int, Meta(ge=1024, le=1_048_576)]
# From a few connections with TLS and a large ClientHello to 64 GiB.
WaitingBytes = Annotated[int, Meta(ge=1 << 20, le=1 << 36)]
# RFC 5424 section 6: printable ASCII without blanks, and at most 48 characters.
AppName = Annotated[str, Meta(pattern="^[!-~]{1,48}$")]
# None leaves the value of [tunnel] in force.
CheckOverride = bool | None


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; unknown keys are errors."""


class ListenTable(Table, frozen=True):
    """One `[[listen]]`."""

    address: str
    proxy_protocol_from: tuple[str, ...] = ()
    auth: tuple[SchemeName, ...] = ()


class TlsTable(Table, frozen=True):
    """`[tls]`. Without a certificate the gate makes its own; without a key, the certificate's file has it."""

    certificate: str = ""
    key: str = ""
    names: tuple[str, ...] = ()


class ClientsTable(Table, frozen=True):
    """`[clients]`."""

    networks: tuple[str, ...] = tuple(map(str, DEFAULT_NETWORKS))


class ClientTable(Table, frozen=True):
    """One `[[client]]`: a client with a name."""

    name: str
    networks: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    product: str = ""
    on_prem: bool = False
    reserved: bool = False


class ProductTable(Table, frozen=True):
    """One `[[product]]`: a product that the gate asks itself, verified by the system's roots without `ca` and
    `certificate`.
    """

    client: str
    address: str
    username: str
    password_file: str
    ca: str = ""
    certificate: str = ""
    every: str = "6h"
    axl_version: str = AXL_VERSION


class AuthTable(Table, frozen=True):
    """`[auth]`. Without schemes, all that have a file. Without a CA no client is asked for a certificate."""

    required: bool = _LOGINS.required
    schemes: tuple[SchemeName, ...] = ()
    realm: str = _LOGINS.realm
    htpasswd: str = ""
    htdigest: str = ""
    trusted_networks: tuple[str, ...] = ()
    client_ca: str = ""
    client_crl: str = ""
    nonce_key_file: str = ""


class RuleTable(Table, frozen=True):
    """One `[[allowlist.rule]]`."""

    host: str
    port: Port = 443
    private: bool = False
    report: bool = False
    require_tls: CheckOverride = None
    match_server_name: CheckOverride = None
    require_server_name: CheckOverride = None
    users: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    ca: str = ""


class AllowlistTable(Table, frozen=True):
    """`[allowlist]`."""

    presets: tuple[str, ...] = ("cisco-licensing",)
    mode: Mode = Mode.ENFORCE
    rule: tuple[RuleTable, ...] = ()


class TunnelNetworkTable(Table, frozen=True):
    """One `[[tunnel.network]]`."""

    networks: tuple[str, ...]
    require_tls: CheckOverride = None
    match_server_name: CheckOverride = None
    require_server_name: CheckOverride = None


class TunnelTable(Table, frozen=True):
    """`[tunnel]`."""

    require_tls: bool = _TUNNEL.require_tls
    match_server_name: bool = _TUNNEL.match_server_name
    require_server_name: bool = _TUNNEL.require_server_name
    network: tuple[TunnelNetworkTable, ...] = ()


class DialTable(Table, frozen=True):
    """`[dial]`."""

    connect_to: tuple[str, ...] = ()
    source_address: str = ""


class LimitsTable(Table, frozen=True):
    """`[limits]`."""

    head_bytes: HeadBytes = _LIMITS.head_bytes
    head_seconds: WaitSeconds = _LIMITS.head_seconds
    hello_bytes: HeadBytes = _LIMITS.hello_bytes
    hello_seconds: WaitSeconds = _LIMITS.hello_seconds
    dial_seconds: WaitSeconds = _LIMITS.dial_seconds
    idle_seconds: Annotated[float, Meta(ge=0.1, le=30 * _DAY)] = _LIMITS.idle_seconds
    half_closed_seconds: WaitSeconds = _LIMITS.half_closed_seconds
    lifetime_seconds: Annotated[float, Meta(ge=0, le=30 * _DAY)] = _LIMITS.lifetime_seconds
    drain_seconds: Seconds = _LIMITS.drain_seconds
    tunnels: Count = _LIMITS.tunnels
    tunnels_per_client: Count = _LIMITS.tunnels_per_client
    waiting_per_client: Count = _LIMITS.waiting_per_client
    waiting_bytes: WaitingBytes = _LIMITS.waiting_bytes
    connections_per_client_per_second: PerSecond = _LIMITS.connections_per_client_per_second
    tunnels_per_user_per_second: PerSecond = _LIMITS.tunnels_per_user_per_second
    burst: Count = _LIMITS.burst
    revoke: Revoke = _LIMITS.revoke


class ParentTable(Table, frozen=True):
    """One `[[parent]]`. The URL may be `direct`."""

    url: str
    auth: ParentAuth = _LOGIN.auth
    username: str = _LOGIN.username
    password_file: str = ""
    password_env: str = _LOGIN.password_env
    keytab: str = ""
    ticket_cache: str = _LOGIN.ticket_cache
    ca: str = ""
    target: ParentTarget = _PARENT.target
    seconds: WaitSeconds = _PARENT.seconds
    user_agent: Annotated[str, Meta(max_length=200)] = ""


class DnsTable(Table, frozen=True):
    """`[dns]`."""

    fresh_seconds: Seconds = _DNS.fresh_seconds
    last_good_seconds: Annotated[float, Meta(ge=0, le=30 * _DAY)] = _DNS.last_good_seconds
    failure_seconds: Seconds = _DNS.failure_seconds
    timeout_seconds: WaitSeconds = _DNS.timeout_seconds


class AdminTable(Table, frozen=True):
    """`[admin]`. With an empty address there is no admin server; without networks those of `[clients]` count."""

    listen: str | None = None
    networks: tuple[str, ...] = ()
    token_file: str = ""
    ready_needs_upstream: bool = False
    tls: bool = False


class ProbeTable(Table, frozen=True):
    """`[probe]`."""

    every: str = "off"
    handshake: str = "6h"
    roots: str = ""


class StateTable(Table, frozen=True):
    """`[state]`. Without a directory systemd's is used, if there is one."""

    directory: str = ""


class LedgerTable(Table, frozen=True):
    """`[ledger]`. Without a URL it is a file in the state directory."""

    url: str = ""
    days: Annotated[int, Meta(ge=1, le=3660)] = DAYS


class LogTable(Table, frozen=True):
    """`[log]`."""

    access: str = "-"
    service: str = "stderr"
    level: Level = _LOG.level
    lines_per_client: Annotated[int, Meta(ge=0, le=1_000_000)] = _LOG.lines_per_client
    format: LogFormat = _LOG.format
    changes: str = ""
    syslog_facility: Facility = "local0"
    syslog_app_name: AppName = _LOG.syslog.app_name
    syslog_format: SyslogFormat = _LOG.syslog.format
    syslog_ca: str = ""
    syslog_certificate: str = ""
    syslog_key: str = ""


class File(Table, frozen=True):
    """The whole file. Without listeners the default ones are used."""

    announce: str = ""
    listen: tuple[ListenTable, ...] = ()
    tls: TlsTable = TlsTable()
    clients: ClientsTable = ClientsTable()
    client: tuple[ClientTable, ...] = ()
    product: tuple[ProductTable, ...] = ()
    auth: AuthTable = AuthTable()
    allowlist: AllowlistTable = AllowlistTable()
    tunnel: TunnelTable = TunnelTable()
    dial: DialTable = DialTable()
    parent: tuple[ParentTable, ...] = ()
    dns: DnsTable = DnsTable()
    limits: LimitsTable = LimitsTable()
    admin: AdminTable = AdminTable()
    probe: ProbeTable = ProbeTable()
    state: StateTable = StateTable()
    ledger: LedgerTable = LedgerTable()
    log: LogTable = LogTable()


def keys() -> list[str]:
    """Every key of the file, dotted: `limits.tunnels`. A list of tables counts as one key."""
    dotted = []
    for entry in structs.fields(File):
        if isinstance(entry.type, type) and issubclass(entry.type, Table):
            dotted += [f"{entry.name}.{key.name}" for key in structs.fields(entry.type)]
        else:
            dotted.append(entry.name)
    return dotted


def values(file: File) -> dict[str, object]:
    """Every value of the file by its dotted key, as texts, numbers, booleans, lists and tables, without passwords."""
    shown = structs.replace(file, ledger=structs.replace(file.ledger, url=masked(file.ledger.url)))
    return {key: to_builtins(attrgetter(key)(shown)) for key in keys()}
