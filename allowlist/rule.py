"""One rule of the allowlist: a host and port that clients may reach."""

from functools import lru_cache

from msgspec import Struct

from .clients import Identity, Network, network_of
from .target import Target


class Rule(Struct, frozen=True, cache_hash=True):
    """Allows connecting to `host` on `port`.

    `host` is normalised: an exact host, or `*.example.com` for every name below `example.com` and never itself.
    `private` lets the host resolve to addresses that are not public. `preset` is the preset the rule came from, empty
    for an operator's rule. `report` lets the target pass and records that it would have been refused. The next three
    override the checks of the tunnel's first bytes; None leaves them as they are.

    `users`, `networks` and `certificates` restrict the rule to some clients: a client must match each of them that is
    not empty. Certificate names are compared case-insensitively, user names exactly. `ca` is the path of a
    PEM file with the authorities that sign the host's certificate, for the probe; empty for public ones. It decides
    nothing.
    """

    host: str
    port: int = 443
    private: bool = False
    preset: str = ""
    report: bool = False
    require_tls: bool | None = None
    match_server_name: bool | None = None
    require_server_name: bool | None = None
    users: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    certificates: tuple[str, ...] = ()
    ca: str = ""

    @property
    def target(self) -> Target:
        """The host and port; of a wildcard, with its asterisk."""
        return Target(self.host, self.port)

    @property
    def domain(self) -> str:
        """The domain of a wildcard, below which every name is allowed; empty for an exact host."""
        return self.host[2:] if self.host.startswith("*.") else ""

    @property
    def is_for_some(self) -> bool:
        """Whether the rule is restricted to some clients."""
        return bool(self.users or self.networks or self.certificates)

    def unmatched_keys(self, client: str, identity: Identity) -> tuple[str, ...]:
        """Return the keys that this client does not match; empty if the rule applies to it."""
        keys = []
        if self.networks and network_of(client, self.networks) is None:
            keys.append("networks")
        if self.certificates and not set(map(_folded, self.certificates)).intersection(
            map(_folded, identity.certificate)
        ):
            keys.append("certificates")
        if self.users and identity.user not in self.users:
            keys.append("users")
        return tuple(keys)

    @lru_cache(maxsize=1024)  # noqa: B019  records share one text; there are few rules
    def __str__(self) -> str:
        return f"{self.target} (preset {self.preset})" if self.preset else f"{self.target}"


def _folded(name: str) -> tuple[str, bool]:
    """Fold case for comparison. ASCII names match only ASCII names: the Kelvin sign's lower case is a k."""
    return name.lower(), name.isascii()
