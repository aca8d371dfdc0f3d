"""The interface of a login scheme. Each scheme has its own file and a line in `schemes`."""

from typing import Protocol

from msgspec import Struct

from .nonces import Nonces
from .request import AuthRequest
from .result import AuthResult
from .scheme import Scheme
from .state import AuthState
from .users import Users


class LoginContext(Struct, frozen=True):
    """The values that a scheme needs to serve one listener. `enabled` are all schemes of that listener."""

    realm: str
    users: Users
    nonces: Nonces
    state: AuthState
    enabled: frozenset[Scheme]


class LoginScheme(Protocol):
    """A way to log in by answering a challenge (RFC 9110 section 11), as one listener offers it.

    `auth_scheme` is the word that begins the credentials, in lower case. `offered` are the names it offers here, empty
    if it is not enabled. `if_unanswered` explains a client that never answers its challenges.
    """

    auth_scheme: str
    offered: tuple[Scheme, ...]
    if_unanswered: str

    def challenges(self, client: str, *, stale: bool) -> tuple[str, ...]:
        """Return the Proxy-Authenticate values for the client at this address, one per name in `offered`.

        `stale`: the client's last login was correct, but its nonce was too old.
        """

    def check(self, request: AuthRequest, credentials: bytes) -> AuthResult:
        """Check the credentials that follow the auth-scheme, or return the password check that is needed.

        A rejection carries no challenges; the authenticator adds them. Raises CredentialsError.
        """
