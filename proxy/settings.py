"""Settings that several packages of the proxy read: frozen values, checked and built by `licensegate.app.settings`.

A package with settings of its own defines them in its `settings` module.
"""

import enum
from typing import Final

from msgspec import Struct

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.target import authority

from .auth.scheme import Scheme

_OWN_DESCRIPTORS: Final = 256
"""For the gate itself: a batch of accepts, dials in progress, pipes, and the admin server."""

_SPARE_AT_LEAST: Final = 8


class ListenAddress(Struct, frozen=True):
    """One address to listen on.

    `named`: the operator wrote it, so the gate does not start if it cannot be bound; a packaged default is left out
    with a warning. Connections from `proxy_protocol_from`, the balancers, must begin with a PROXY header; others must
    not. `schemes` are the login schemes of this listener, None for the general ones.
    """

    host: str
    port: int
    named: bool = True
    proxy_protocol_from: tuple[Network, ...] = ()
    schemes: frozenset[Scheme] | None = None

    def __str__(self) -> str:
        return authority(self.host, self.port)


class Revoke(enum.StrEnum):
    """Which open tunnels end when the settings or files in force no longer allow them.

    USERS: those of a user who was removed. ON_RELOAD: all that would be refused now. OFF: none.
    """

    USERS = "users"
    ON_RELOAD = "on_reload"
    OFF = "off"


class Limits(Struct, frozen=True):
    """Sizes in bytes, times in seconds, numbers of connections. 0 seconds of a lifetime and 0 per second are no limit.

    So many as `burst` may come at once before a limit per second applies.
    """

    head_bytes: int = 16384
    head_seconds: float = 10
    hello_bytes: int = 65536
    hello_seconds: float = 30
    dial_seconds: float = 15
    idle_seconds: float = 3600
    half_closed_seconds: float = 60
    lifetime_seconds: float = 0
    drain_seconds: float = 8
    tunnels: int = 4096
    tunnels_per_client: int = 512
    waiting_per_client: int = 256
    waiting_bytes: int = 1 << 25
    connections_per_client_per_second: float = 0
    tunnels_per_user_per_second: float = 0
    burst: int = 20
    revoke: Revoke = Revoke.USERS

    @property
    def spare(self) -> int:
        """Places above `tunnels` for connections that wait, so that a full gate can still answer."""
        return max(self.tunnels >> 3, _SPARE_AT_LEAST)

    @property
    def descriptors(self) -> int:
        """The descriptors that a full gate needs: two per tunnel, one per connection that waits, and its own."""
        return 2 * self.tunnels + self.spare + _OWN_DESCRIPTORS


def tunnels_within(descriptors: int) -> int:
    """The most tunnels that a gate with so many descriptors can serve, at least one. Inverts `Limits.descriptors`.

    Of few descriptors the gate keeps only three eighths for itself.
    """
    rest = descriptors - min(_OWN_DESCRIPTORS, descriptors * 3 // 8)
    return max(1, min((rest - _SPARE_AT_LEAST) // 2, (8 * rest + 7) // 17))


class TunnelChecks(Struct, frozen=True):
    """Checks of a client's first bytes in its tunnel.

    `require_tls`: they are a TLS ClientHello. `match_server_name`: its server name, if it has one, is the target.
    `require_server_name`: it has a server name. The last two apply to any ClientHello, even if TLS is not required.
    """

    require_tls: bool = True
    match_server_name: bool = True
    require_server_name: bool = False

    @property
    def none(self) -> bool:
        """Whether nothing is checked, so that the relay can begin without the client's first bytes."""
        return not (self.require_tls or self.match_server_name or self.require_server_name)


class NetworkChecks(Struct, frozen=True):
    """Checks for the clients of some networks. None: the general setting applies."""

    networks: tuple[Network, ...]
    require_tls: bool | None = None
    match_server_name: bool | None = None
    require_server_name: bool | None = None
