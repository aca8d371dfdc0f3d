"""Settings of direct connections to targets and of the resolver. Frozen values, no I/O."""

from msgspec import Struct

from licensegate.allowlist.target import Target


class DnsSettings(Struct, frozen=True):
    """How long the resolver waits and how long its answers are used, in seconds."""

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


class DialSettings(Struct, frozen=True):
    """The source address of outgoing connections, and targets that are sent to another address.

    `source_address` is an IP address of this host; if empty, the system chooses.
    """

    connect_to: tuple[ConnectTo, ...] = ()
    source_address: str = ""

    @property
    def address_of_target(self) -> dict[Target, tuple[str, int]]:
        """`connect_to` by target: the address and port to connect to."""
        return {Target(entry.host, entry.port): (entry.address, entry.address_port) for entry in self.connect_to}
