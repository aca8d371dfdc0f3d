"""What an operator can set of the proxy: frozen values, checked and built by `licensegate.app.settings`."""

import enum
from pathlib import Path

from msgspec import Struct

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.target import authority
from licensegate.records.secret import Secret

from .auth.scheme import Scheme


class ListenAddress(Struct, frozen=True):
    """One address to listen on.

    `named` tells an address that the operator wrote (failing to bind it ends the start) from a packaged default
    (skipped with a line that says why). Connections from `proxy_protocol_from`, the balancers, begin with a PROXY
    header; nobody else's may. `schemes` are the ways to log in here, None for those of everywhere.
    """

    host: str
    port: int
    named: bool = True
    proxy_protocol_from: tuple[Network, ...] = ()
    schemes: frozenset[Scheme] | None = None

    def __str__(self) -> str:
        return authority(self.host, self.port)


class Limits(Struct, frozen=True):
    """Sizes in bytes, times in seconds, counts of connections."""

    head_bytes: int = 16384
    head_seconds: float = 10
    hello_bytes: int = 65536
    hello_seconds: float = 30
    dial_seconds: float = 15
    idle_seconds: float = 3600
    half_closed_seconds: float = 60
    drain_seconds: float = 8
    tunnels: int = 4096
    tunnels_per_client: int = 512


class TunnelChecks(Struct, frozen=True):
    """What the first bytes of a client in its tunnel must be.

    `require_tls`: a TLS ClientHello. `match_server_name`: the server name in one, if there is any, is the target.
    `require_server_name`: one has a server name. The last two hold for whoever speaks TLS, whether he must or not.
    """

    require_tls: bool = True
    match_server_name: bool = True
    require_server_name: bool = False

    @property
    def none(self) -> bool:
        """Whether nothing is checked, so that nobody need wait for the client's first bytes."""
        return not (self.require_tls or self.match_server_name or self.require_server_name)


class NetworkChecks(Struct, frozen=True):
    """What differs for the clients of some networks; None where it is as elsewhere."""

    networks: tuple[Network, ...]
    require_tls: bool | None = None
    match_server_name: bool | None = None
    require_server_name: bool | None = None


class DnsSettings(Struct, frozen=True):
    """How long the resolver's answers are believed, in seconds."""

    fresh_seconds: float = 60
    last_good_seconds: float = 86400
    failure_seconds: float = 5
    timeout_seconds: float = 10


class ConnectTo(Struct, frozen=True):
    """Send one target to a given address and port instead of resolving it, as curl's `--connect-to` does."""

    host: str
    port: int
    address: str
    address_port: int


class ParentAuth(enum.StrEnum):
    """How the gate logs in to a parent proxy: by the strongest way that it offers, not at all, or in one way only."""

    AUTO = "auto"
    NONE = "none"
    BASIC = "basic"
    DIGEST = "digest"
    NTLM = "ntlm"
    NEGOTIATE = "negotiate"


class ParentLogin(Struct, frozen=True):
    """Who the gate is at a parent proxy.

    The password is that of `password_file`, which is read again when it changes, or `password`, the value of the
    environment variable `password_env` at the start. Kerberos tickets are fetched by the password or `keytab`, or
    found in `ticket_cache`, a name that the system's Kerberos library takes.
    """

    auth: ParentAuth = ParentAuth.AUTO
    username: str = ""
    password_file: Path | None = None
    password_env: str = ""
    password: Secret | None = None
    keytab: Path | None = None
    ticket_cache: str = ""

    @property
    def has_password(self) -> bool:
        """Whether there is one, however it is read."""
        return self.password_file is not None or self.password is not None


class ParentTarget(enum.StrEnum):
    """What a parent is asked for: the target's name as it is, the same if its addresses may be dialled, or one of them.

    For the last two the gate resolves the name itself, and refuses it as it does without a parent.
    """

    NAME = "name"
    CHECKED = "checked"
    ADDRESS = "address"


class ParentProxy(Struct, frozen=True):
    """One corporate proxy that targets are reached through.

    `tls` is TLS to the parent itself, by certificates of `ca`, by default those that the system trusts. After `seconds`
    without the tunnel the next parent is tried, if there is one.
    """

    host: str
    port: int
    tls: bool = False
    ca: Path | None = None
    login: ParentLogin = ParentLogin()
    target: ParentTarget = ParentTarget.NAME
    seconds: float = 5

    @property
    def address(self) -> str:
        """Host and port."""
        return authority(self.host, self.port)

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}"


class DialSettings(Struct, frozen=True):
    """Where outgoing connections go and come from.

    `source_address` is one of this host's IP addresses, empty for the system's choice. With `parents`, targets are
    reached through the first of these that can be used, and directly only if none can and `direct` says so.
    """

    connect_to: tuple[ConnectTo, ...] = ()
    source_address: str = ""
    parents: tuple[ParentProxy, ...] = ()
    direct: bool = True
