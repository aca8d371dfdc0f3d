"""What an operator can set of logins: a frozen value, checked and built by `licensegate.app.settings`."""

from msgspec import Struct

from licensegate.allowlist.client_networks import Network

from .scheme import Scheme


class LoginSettings(Struct, frozen=True):
    """Who must log in, and by what.

    Whoever comes from `trusted_networks` need not, nor anybody where it is not `required`; but a login that is sent is
    checked. `schemes` are those that there is something to check by. The `realm` is part of every Digest.
    """

    required: bool = False
    schemes: frozenset[Scheme] = frozenset()
    realm: str = "LicenseGate"
    trusted_networks: tuple[Network, ...] = ()
