"""One line of the allowlist: a host and port that may be reached."""

from msgspec import Struct

from .clients import Identity, Network, network_of
from .target import Target


class Rule(Struct, frozen=True):
    """Allows connecting to `host` on `port`.

    `host` is normalised: an exact host, or `*.example.com` for every name below `example.com` and never itself.
    `private` lets the host resolve to addresses that are not public. `preset` names the preset the rule came from and
    is empty for an operator's own. `report` lets the target pass and be recorded as one that would have been refused.
    The next three say what a tunnel must carry, where it is another thing than elsewhere (None).

    `users`, `networks` and `certificates` say whom the rule is for: a client must match each of those that are not
    empty. The names of certificates are compared without regard to case, those of users as they are.
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

    @property
    def domain(self) -> str:
        """The domain below which a wildcard allows every name; empty for an exact host."""
        return self.host[2:] if self.host.startswith("*.") else ""

    @property
    def is_for_some(self) -> bool:
        """Whether the rule names whom it is for."""
        return bool(self.users or self.networks or self.certificates)

    def keys_in_the_way(self, client: str, identity: Identity) -> tuple[str, ...]:
        """The keys that this client, at its address, does not match; none if the rule is for it."""
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

    def __str__(self) -> str:
        named = Target(self.host, self.port)
        return f"{named} (preset {self.preset})" if self.preset else f"{named}"


def _folded(name: str) -> tuple[str, bool]:
    """What is the same for names in any case. A name in ASCII is none outside: the Kelvin sign's lower case is a k."""
    return name.lower(), name.isascii()
