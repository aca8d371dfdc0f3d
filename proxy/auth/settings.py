"""The login settings: a frozen value, checked and built by `licensegate.app.settings`."""

from msgspec import Struct

from licensegate.allowlist.client_networks import Network

from .scheme import Scheme


class LoginSettings(Struct, frozen=True):
    """Who must log in, and by which schemes.

    Clients in `trusted_networks` never have to, and nobody has to unless it is `required`; but a login that is sent is
    always checked. `schemes` holds only those that the gate has the files for. The `realm` is part of every Digest.
    """

    required: bool = False
    schemes: frozenset[Scheme] = frozenset()
    realm: str = "LicenseGate"
    trusted_networks: tuple[Network, ...] = ()
