"""What the door is asked, and what it says."""

from msgspec import Struct

from licensegate.allowlist.clients import Identity
from licensegate.allowlist.target import Target
from licensegate.records.outcome import LoginResult
from licensegate.records.secret import Secret

from .password_hash import PasswordHash
from .scheme import Scheme


class AuthRequest(Struct, frozen=True):
    """One CONNECT, as the door sees it.

    `schemes` are those of the listener it came in by, None for those of everywhere; `authorization` the values of its
    Proxy-Authorization fields; `certificate` the names in the certificate that was shown and verified.
    """

    client: str
    target: Target
    schemes: frozenset[Scheme] | None = None
    authorization: tuple[Secret, ...] = ()
    certificate: tuple[str, ...] = ()


class PasswordCheck(Struct, frozen=True):
    """A password that is to be checked where it can take its time. `mark` is the same for the same login."""

    user: str
    password: Secret
    stored: PasswordHash
    is_known: bool
    mark: bytes

    def is_right(self) -> bool:
        """Whether it is this user's password. Slow; for whoever is not known, too, and then never right."""
        return self.stored.fits(self.password.raw) and self.is_known


class Admitted(Struct, frozen=True):
    """The client may go on. `scheme` is how it logged in, None if it did not; `identity` who it is."""

    identity: Identity
    scheme: Scheme | None = None


class CheckNeeded(Struct, frozen=True):
    """It depends on a check, which is to be made elsewhere and brought back."""

    check: PasswordCheck


class Rejected(Struct, frozen=True):
    """The client may not go on.

    `challenges` are the Proxy-Authenticate values that go with a 407; none where nothing could be answered to them.
    `scheme` and `user` are what it tried, `unanswered` how often it had been asked before and never answered.
    """

    result: LoginResult
    detail: str = ""
    challenges: tuple[str, ...] = ()
    scheme: str = ""
    user: str = ""
    unanswered: int = 0


AuthResult = Admitted | CheckNeeded | Rejected
