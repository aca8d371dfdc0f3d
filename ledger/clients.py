"""Which client a record belongs to: the one the settings name, else its login, certificate or address.

Pure. Named clients are few and chosen by the operator, so that they may become labels of metrics; the others may not.
"""

import enum
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

from licensegate.allowlist.clients import Network, client_address, network_of
from licensegate.records.bounded import BoundedDict
from licensegate.records.record import LoginResult, TunnelRecord

_REMEMBERED: Final = 4096
_CERTIFICATE: Final = "certificate"  # the scheme of a login by certificate

# A certificate as records describe it: "CN=cucm-pub,O=Example; DNS:cucm-pub.example.net".
_NAME_IN_CERTIFICATE: Final = re.compile(r"(?:^|[,;] ?)(?:CN=|DNS:|email:|URI:|IP Address:)([^,;]+)")


class ClientKind(enum.StrEnum):
    """What a client is known by."""

    NAMED = "named"
    LOGIN = "login"
    CERTIFICATE = "certificate"
    ADDRESS = "address"


class ClientKey(Struct, frozen=True, order=True):
    """A client of the ledger: what it is known by, and its name there."""

    kind: ClientKind
    name: str


def key_text(key: ClientKey) -> str:
    """A key as one text, such as `address:10.1.2.3`, for links and commands."""
    return f"{key.kind.value}:{key.name}"


def key_of(text: str) -> ClientKey | None:
    """The key that this is the text of, None if it is of none."""
    kind, separator, name = text.partition(":")
    if not separator or not name or kind not in (each.value for each in ClientKind):
        return None
    return ClientKey(ClientKind(kind), name)


class NamedClient(Struct, frozen=True):
    """A client that the settings name.

    A record must match each of `networks`, `users` and `certificates` that is not empty, as in a rule of the allowlist.
    Without any of them it has no records: a disconnected site, whose contacts are recorded by hand. `product` is the
    product's family, empty for the general clocks. `on_prem` if it is registered with an SSM On-Prem, `reserved` if it
    need never contact anybody.
    """

    name: str
    networks: tuple[Network, ...] = ()
    users: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    product: str = ""
    on_prem: bool = False
    reserved: bool = False

    @property
    def key(self) -> ClientKey:
        """Its key in the ledger."""
        return ClientKey(ClientKind.NAMED, self.name)

    def matches(self, address: str, user: str, certificates: Sequence[str]) -> bool:
        """Tell whether a client with this address, this user and these names in its certificate is this one."""
        if not (self.networks or self.users or self.certificates):
            return False
        if self.networks and network_of(address, self.networks) is None:
            return False
        if self.users and user not in self.users:
            return False
        return not self.certificates or not _folded(self.certificates).isdisjoint(_folded(certificates))


class TakenOver:
    """The clients whose records go to a client of the settings by now, so that nothing more comes under their keys.

    An entry that asks for more than an address, a login or a certificate takes no client over.
    """

    def __init__(self, named: Iterable[NamedClient]) -> None:
        self._users: set[str] = set()
        self._certificates: set[tuple[str, bool]] = set()
        self._networks: dict[tuple[int, int], set[int]] = defaultdict(set)
        for client in named:
            if not (client.users or client.certificates):
                for network in client.networks:
                    self._networks[network.version, network.prefixlen].add(_prefix(network[0], network.prefixlen))
            elif not (client.networks or client.certificates):
                self._users.update(client.users)
            elif not (client.networks or client.users):
                self._certificates |= _folded(client.certificates)

    def has(self, key: ClientKey) -> bool:
        """Whether it was taken over."""
        match key.kind:
            case ClientKind.LOGIN:
                return key.name in self._users
            case ClientKind.CERTIFICATE:
                return not self._certificates.isdisjoint(_folded([key.name]))
            case ClientKind.ADDRESS if (address := client_address(key.name)) is not None:
                return any(
                    version == address.version and _prefix(address, length) in prefixes
                    for (version, length), prefixes in self._networks.items()
                )
        return False


def accepted_user(record: TunnelRecord) -> str:
    """The user that a record belongs to: a login counts only if it was accepted, and not as a certificate."""
    is_user = record.login_result is LoginResult.ACCEPTED and record.login != _CERTIFICATE
    return record.user if is_user else ""


class ClientNames:
    """Finds the client of a record. Of several named clients that match, the first in the settings counts."""

    def __init__(self, named: Sequence[NamedClient] = ()) -> None:
        self.named = tuple(named)
        self._known: BoundedDict[tuple[str, str, str], ClientKey] = BoundedDict(_REMEMBERED)

    def key(self, record: TunnelRecord) -> ClientKey:
        """The client of a record."""
        identity = (record.client, accepted_user(record), record.client_certificate)
        key = self._known.get(identity)
        if key is None:
            key = self._find(*identity)
            self._known.put(identity, key)
        return key

    def _find(self, address: str, user: str, certificate: str) -> ClientKey:
        certificates = _NAME_IN_CERTIFICATE.findall(certificate)
        for client in self.named:
            if client.matches(address, user, certificates):
                return client.key
        if user:
            return ClientKey(ClientKind.LOGIN, user)
        if certificates:
            return ClientKey(ClientKind.CERTIFICATE, certificates[0])
        return ClientKey(ClientKind.ADDRESS, address)


def _folded(names: Sequence[str]) -> set[tuple[str, bool]]:
    """Fold case for comparison, ASCII names with ASCII names only, as the allowlist's rules do."""
    return {(name.lower(), name.isascii()) for name in names}


def _prefix(address: IPv4Address | IPv6Address, length: int) -> int:
    return int(address) >> (address.max_prefixlen - length)
