"""The result of authentication: admitted, rejected, or a password to check first."""

from msgspec import Struct

from licensegate.allowlist.clients import Identity
from licensegate.records.record import LoginResult
from licensegate.records.secret import Secret

from .check_queue import Standing
from .login_throttle import LoginThrottle
from .password_hash import PasswordHash
from .scheme import Scheme


class PasswordCheck(Struct, frozen=True):
    """A password to check away from the event loop. Equal logins have equal `login_hash`es.

    `source` is the block of the client's address that wrong logins are counted by, in `throttle`.
    """

    scheme: Scheme
    user: str
    password: Secret
    stored: PasswordHash
    is_known: bool
    login_hash: bytes
    source: str
    standing: Standing
    throttle: LoginThrottle

    def is_right(self) -> bool:
        """Tell whether this is the user's password. Takes as long for an unknown user, and is then False."""
        return self.stored.fits(self.password.raw) and self.is_known

    def must_wait(self) -> bool:
        """Tell whether the source has to wait, so that its logins are not checked."""
        return self.throttle.seconds_left(self.source) > 0

    def count_wrong(self) -> None:
        """Count a wrong login whose client has left: leaving early must not make guesses free."""
        self.throttle.add(self.source)


class Admitted(Struct, frozen=True):
    """The client may continue, as `identity`. `scheme` is how it logged in, None if it did not."""

    identity: Identity
    scheme: Scheme | None = None


class CheckNeeded(Struct, frozen=True):
    """The login depends on this check; pass its result to `Authenticator.password_checked`."""

    check: PasswordCheck


class Rejected(Struct, frozen=True):
    """The client may not continue.

    `challenges` are the Proxy-Authenticate values of the 407, empty if no login can be asked for. `scheme` and `user`
    are what the client tried; `unanswered` counts earlier challenges that it never answered. `wait`: the seconds until
    its next login is checked, if it has to wait.
    """

    result: LoginResult
    detail: str = ""
    challenges: tuple[str, ...] = ()
    scheme: str = ""
    user: str = ""
    unanswered: int = 0
    wait: float = 0


AuthResult = Admitted | CheckNeeded | Rejected


def wrong_login(scheme: Scheme, user: str, *, known: bool) -> Rejected:
    """Reject a wrong password of a known user, or any password of an unknown one."""
    return Rejected(LoginResult.WRONG_PASSWORD if known else LoginResult.UNKNOWN_USER, scheme=scheme, user=user)


def not_offered(scheme: str) -> Rejected:
    """Reject a login by a scheme that the listener does not offer."""
    detail = f"{scheme} is not offered here"
    return Rejected(LoginResult.NOT_OFFERED, detail, scheme=scheme)
