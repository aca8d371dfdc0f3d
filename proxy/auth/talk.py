"""One request at the door: what it is asked, what it waits for, and what its record tells of it."""

from licensegate.records.outcome import LoginResult
from licensegate.records.record import TunnelRecord, printable

from .authenticator import Authenticator
from .result import Admitted, AuthRequest, AuthResult, CheckNeeded, PasswordCheck, Rejected


class LoginTalk:
    """Holds what a client sent for as long as its login is not decided."""

    __slots__ = ("_authenticator", "_check", "_record", "_visit")

    def __init__(self, authenticator: Authenticator, visit: AuthRequest, record: TunnelRecord) -> None:
        self._authenticator = authenticator
        self._visit = visit
        self._record = record
        self._check: PasswordCheck | None = None

    def begin(self) -> AuthResult:
        """Whether the client may go on."""
        verdict = self._authenticator.judge(self._visit)
        if isinstance(verdict, CheckNeeded):
            self._check = verdict.check
        return self._note(verdict)

    def checked(self, *, right: bool) -> AuthResult:
        """Whether it may, by the check that `begin` asked for."""
        if self._check is None:
            raise RuntimeError("there is no login to be checked")
        return self._note(self._authenticator.checked(self._visit, self._check, right=right))

    def ask(self) -> Rejected | None:
        """Ask a client that passed without it to log in, for a target that is for some users; None if it cannot be."""
        if not self._authenticator.offered(self._visit.schemes):
            return None
        asked = self._authenticator.ask(self._visit)
        self._note(asked)
        return asked

    def _note(self, verdict: AuthResult) -> AuthResult:
        record = self._record
        match verdict:
            case Admitted(identity, scheme) if scheme is not None:
                record.login = scheme
                record.user = _shown(identity.user or identity.certificate[0])
                record.login_result = LoginResult.ACCEPTED
            case Rejected():
                record.login = verdict.scheme
                record.user = _shown(verdict.user)
                record.login_result = verdict.result
                record.login_unanswered = verdict.unanswered
            case CheckNeeded():
                record.login = "basic"
                record.user = _shown(verdict.check.user)
        return verdict


def _shown(user: str) -> str:
    return printable(user.encode(), 64)
