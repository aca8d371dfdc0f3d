"""The settings in force, as values for the other rooms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.policy import Policy
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.place import LedgerSettings
from licensegate.products.settings import AskedProduct
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.dial.settings import DialSettings, DnsSettings
from licensegate.proxy.parent.settings import ParentSettings
from licensegate.proxy.settings import Limits, ListenAddress, NetworkChecks, TunnelChecks

from .log_place import STANDARD_ERROR, STANDARD_OUTPUT, LogKind, LogPlace

DEFAULT_LISTEN: Final = tuple(
    ListenAddress(host, port, named=False) for port in (3128, 8080, 443) for host in ("0.0.0.0", "::")
)
"""A proxy's usual ports, and 443: CUCM's guide has administrators type it as the proxy's port (CSCvc94366)."""


DEFAULT_ADMIN: Final = ListenAddress("127.0.0.1", 9130, named=False)

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["auto", "text", "json", "squid"]
Facility: TypeAlias = Literal[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip
SyslogFormat: TypeAlias = Literal["auto", "rfc5424", "rfc3164"]


class SettingsError(Exception):
    """The settings are invalid. `str()` is one line: the place, the fault, and what to write instead."""


class Syslog(Struct, frozen=True):
    """What all logs that go to syslog have in common.

    `format` is the form of messages; "auto" is RFC 5424 but for Unix sockets, which get the form of syslog(3). `ca`
    verifies servers of TLS, None for the system's authorities; `certificate` and `key` are shown to those that ask for
    one, None without.
    """

    facility: Facility = "local0"
    app_name: str = "licensegate"
    format: SyslogFormat = "auto"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Log(Struct, frozen=True):
    """The logs.

    `access` and `service` are where the access log and the service log go, `changes` where the log of changes goes
    besides the service log, as JSON; None for nowhere else. `lines_per_client` are those that one client gets in the
    access log in a second, 0 for all. `level` is the service log's lowest level. `format` is that of both logs; with
    "auto" the access log is text on a terminal and JSON elsewhere, and the service log is text.
    """

    access: LogPlace = STANDARD_OUTPUT
    service: LogPlace = STANDARD_ERROR
    level: Level = "info"
    lines_per_client: int = 50
    format: LogFormat = "auto"
    changes: LogPlace | None = None
    syslog: Syslog = Syslog()

    @property
    def places(self) -> dict[str, LogPlace]:
        """Where each log goes, by the key that names it."""
        places = {"log.access": self.access, "log.service": self.service, "log.changes": self.changes}
        return {key: place for key, place in places.items() if place is not None}

    @property
    def files(self) -> dict[str, str]:
        """The paths of the logs that go to files, by their keys."""
        return {key: place.path for key, place in self.places.items() if place.kind is LogKind.FILE}


class Tls(Struct, frozen=True):
    """TLS to the gate itself.

    `certificate` and `key` are PEM files, perhaps the same; both are None if the gate makes its own. `names` are names
    of the gate that the certificate lacks. `client_ca` signs the certificates of clients; None if they are not asked
    for one. `client_crl` has the revoked ones; None without a revocation list.
    """

    certificate: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()
    client_ca: Path | None = None
    client_crl: Path | None = None


class Auth(Struct, frozen=True):
    """Logins of clients.

    `htpasswd` and `htdigest` are the files of users, `nonce_key_file` has the key of the nonces; each may be None.
    `possible` are the schemes that have a file, whether in use or not.
    """

    logins: LoginSettings = LoginSettings()
    htpasswd: Path | None = None
    htdigest: Path | None = None
    nonce_key_file: Path | None = None
    possible: frozenset[Scheme] = frozenset()


class Admin(Struct, frozen=True):
    """The admin server.

    `listen` is None without an admin server. Clients from `networks` may read the metrics and the health pages, clients
    with the token in `token_file` all pages. With `ready_needs_upstream`, a gate that reaches no target is not ready.
    With `tls` it speaks HTTPS, with the gate's own certificate.
    """

    listen: ListenAddress | None
    networks: tuple[Network, ...]
    token_file: Path | None = None
    ready_needs_upstream: bool = False
    tls: bool = False

    @property
    def url(self) -> str:
        """The URL of the first page, with the address as it was set; empty without an admin server."""
        return "" if self.listen is None else f"{'https' if self.tls else 'http'}://{self.listen}/"


class Looks(Struct, frozen=True):
    """Looks at targets by a TLS handshake of the gate's own.

    `seconds` is their interval, None for none but those that are asked for. `roots` is a PEM file with more public
    roots, None for those that come with the gate.
    """

    seconds: int | None = None
    roots: Path | None = None


class Settings(Struct, frozen=True):
    """Everything that an operator can set, checked.

    `announce` is the name or address that clients are to use for the gate; empty for the addresses that are bound.
    `probe_seconds` is the interval for dialling targets that no tunnel has reached meanwhile; None for never.
    `named_clients` are the clients that have a name, `products` those that the gate asks itself. `ledger` is where
    their contacts are kept.
    `state_directory` is None if nothing is kept; `state_named` if the operator chose it, not systemd or the image.
    `source` names the file, or the built-in defaults, and the environment variables that override it. `written` has the
    value of each key, by its dotted name, defaults included. `file_is_empty` if no key is in the file, or without one.
    """

    listen: tuple[ListenAddress, ...]
    announce: str
    client_networks: tuple[Network, ...]
    tls: Tls
    auth: Auth
    policy: Policy
    tunnel: TunnelChecks
    tunnel_networks: tuple[NetworkChecks, ...]
    dial: DialSettings
    parents: ParentSettings
    dns: DnsSettings
    limits: Limits
    admin: Admin
    probe_seconds: int | None
    looks: Looks
    state_directory: Path | None
    state_named: bool
    log: Log
    source: str
    named_clients: tuple[NamedClient, ...] = ()
    ledger: LedgerSettings = LedgerSettings()
    products: tuple[AskedProduct, ...] = ()
    written: Mapping[str, object] = {}
    file_is_empty: bool = False
