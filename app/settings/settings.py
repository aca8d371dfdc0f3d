"""What is in force: the values that the settings room hands down to the others."""

from pathlib import Path
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.policy import Policy
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.dial.settings import DialSettings, DnsSettings
from licensegate.proxy.parent.settings import ParentSettings
from licensegate.proxy.settings import Limits, ListenAddress, NetworkChecks, TunnelChecks

DEFAULT_LISTEN: Final = tuple(
    ListenAddress(host, port, named=False) for port in (3128, 8080, 443) for host in ("0.0.0.0", "::")
)
"""A proxy's usual ports, and 443: CUCM's guide has administrators type it as the proxy's port (CSCvc94366)."""


DEFAULT_ADMIN: Final = ListenAddress("127.0.0.1", 9130, named=False)

Level: TypeAlias = Literal["debug", "info", "warning", "error"]


class SettingsError(Exception):
    """The settings cannot be in force. `str()` is one line: the place, what is wrong there, what to write instead."""


class Log(Struct, frozen=True):
    """Where the access log goes ("-" is standard output, else an absolute path), and the service log's least level."""

    access: str = "-"
    level: Level = "info"


class Tls(Struct, frozen=True):
    """TLS to the gate itself.

    `certificate` and `key` are PEM files, perhaps the same; both are None where the gate is to make its own. `names`
    are the gate's names beside those in the certificate. `client_ca` signs the certificates that clients are asked
    for, `client_crl` says which of them are revoked; None where they are asked for none, and where none is.
    """

    certificate: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()
    client_ca: Path | None = None
    client_crl: Path | None = None


class Auth(Struct, frozen=True):
    """Who logs in to the gate.

    The files hold who is known, by password and by Digest, and the key of the nonces; None where there is none.
    `possible` are the schemes that there is something to check by, be they in use or not.
    """

    logins: LoginSettings = LoginSettings()
    htpasswd: Path | None = None
    htdigest: Path | None = None
    nonce_key_file: Path | None = None
    possible: frozenset[Scheme] = frozenset()


class Admin(Struct, frozen=True):
    """Who may watch the gate, and where.

    `listen` is None where there is no admin server. Clients from `networks` may ask for the metrics and the health
    pages, whoever has the token in `token_file` for all. `ready_needs_upstream`: a gate that reaches no target is not
    ready.
    """

    listen: ListenAddress | None
    networks: tuple[Network, ...]
    token_file: Path | None = None
    ready_needs_upstream: bool = False


class Settings(Struct, frozen=True):
    """Everything that an operator can set, checked.

    `probe_seconds` says how often targets are dialled that no tunnel has reached meanwhile; None for never.
    `state_directory` is None where nothing is kept. `source` says where the values come from: a file's path or the
    built-in defaults, and the environment variables on top.
    """

    listen: tuple[ListenAddress, ...]
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
    state_directory: Path | None
    log: Log
    source: str
