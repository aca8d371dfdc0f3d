"""What the authenticator is asked, and what it answers."""

from msgspec import Struct

from licensegate.allowlist.clients import Identity
from licensegate.allowlist.target import Target
from licensegate.records.outcome import LoginResult
from licensegate.records.secret import Secret

from .password_hash import PasswordHash
from .scheme import Scheme


class AuthRequest(Struct, frozen=True):
    """One CONNECT, as far as a login goes.

    `authorization` holds the values of its Proxy-Authorization fields, `certificate` the names in the client's verified
    certificate.
    """

    client: str
    target: Target
    authorization: tuple[Secret, ...] = ()
    certificate: tuple[str, ...] = ()


class PasswordCheck(Struct, frozen=True):
    """A password to check away from the event loop. Equal logins have equal `mark`s."""

    user: str
    password: Secret
    stored: PasswordHash
    is_known: bool
    mark: bytes

    def is_right(self) -> bool:
        """Whether it is this user's password. Slow, for an unknown user too, who is never right."""
        return self.stored.fits(self.password.raw) and self.is_known


class Admitted(Struct, frozen=True):
    """The client may go on. `scheme` is how it logged in, None if it did not; `identity` who it is."""

    identity: Identity
    scheme: Scheme | None = None


class CheckNeeded(Struct, frozen=True):
    """The result depends on this check; bring its result back to `checked`."""

    check: PasswordCheck


class Rejected(Struct, frozen=True):
    """The client may not go on.

    `challenges` are the Proxy-Authenticate values of the 407, empty where no login can be asked for. `scheme` and
    `user` are what the client tried; `unanswered` counts earlier challenges that it never answered.
    """

    result: LoginResult
    detail: str = ""
    challenges: tuple[str, ...] = ()
    scheme: str = ""
    user: str = ""
    unanswered: int = 0


AuthResult = Admitted | CheckNeeded | Rejected
