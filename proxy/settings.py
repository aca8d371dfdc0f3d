"""Settings that several rooms of the proxy read: frozen values, checked and built by `licensegate.app.settings`.

A room with settings of its own defines them in its `settings` module.
"""

from msgspec import Struct

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.target import authority

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
