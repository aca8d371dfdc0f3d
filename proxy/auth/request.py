"""The request that the authenticator decides on."""

from msgspec import Struct

from licensegate.allowlist.target import Target
from licensegate.records.secret import Secret


class AuthRequest(Struct, frozen=True):
    """The parts of one CONNECT that a login depends on.

    `client` is the client's address, `authorization` the values of its Proxy-Authorization fields, `certificate` the
    names in its verified certificate.
    """

    client: str
    target: Target
    authorization: tuple[Secret, ...] = ()
    certificate: tuple[str, ...] = ()
