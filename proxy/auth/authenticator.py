"""Who passes: without a login, by one that is right, or not at all.

The door is asked after the client's network and the limits, and before the allowlist, so that whoever does not pass
learns nothing of it. It checks a Digest at once; a password is checked elsewhere, since that takes tens of
milliseconds. It never sees a socket, and the answer to its challenge comes on another one: nonces and source addresses
link them. No I/O.
"""

import math
from typing import Final

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.clients import Identity
from licensegate.allowlist.target import Target, TargetError, parse_authority
from licensegate.records.outcome import LoginResult

from . import digest
from .credentials import BasicCredentials, CredentialsError, DigestCredentials, OtherCredentials, read_credentials
from .nonces import Nonces
from .result import Admitted, AuthRequest, AuthResult, CheckNeeded, PasswordCheck, Rejected
from .scheme import BY_CHALLENGE, DIGESTS, Scheme
from .settings import LoginSettings
from .state import AuthState
from .users import Users

_METHOD: Final = "CONNECT"
_ONLY_BASIC: Final = "only Basic was offered, which Java does not answer for a tunnel unless it is told to"
_ALSO_DIGEST: Final = "Digest was offered, so it has no login to send, or cannot send any"


class Authenticator:
    """The logins in force. `memory` may be shared with the door that this one takes the place of."""

    def __init__(self, logins: LoginSettings, users: Users, nonces: Nonces, memory: AuthState) -> None:
        self.logins = logins
        self.users = users
        self._nonces = nonces
        self._memory = memory
        self._trusted = ClientNetworks(logins.trusted_networks)

    def judge(self, visit: AuthRequest) -> AuthResult:
        """Whether this client may go on. A login that is sent is checked, be one required or not."""
        schemes = self._usable(visit.schemes)
        if visit.authorization and schemes & BY_CHALLENGE:
            self._memory.unanswered.answered(visit.client)
            return self._judge_login(visit)
        if visit.certificate and Scheme.CERTIFICATE in schemes:
            return Admitted(Identity(certificate=visit.certificate), Scheme.CERTIFICATE)
        if self.passes_unasked(visit.client):
            return Admitted(Identity(certificate=visit.certificate))
        return self.ask(visit)

    def checked(self, visit: AuthRequest, check: PasswordCheck, *, right: bool) -> AuthResult:
        """What follows from the check that `judge` asked for.

        Nothing, if its source has to wait by now: of guesses that are made at once, no more than others are answered.
        """
        limited = self._limited(visit, Scheme.BASIC, check.user)
        if limited is not None:
            return limited
        if not right:
            return self._failed(visit, Scheme.BASIC, check.user, known=check.is_known)
        self._memory.verified.add(check.mark)
        return Admitted(Identity(check.user, visit.certificate), Scheme.BASIC)

    def ask(self, visit: AuthRequest) -> Rejected:
        """Ask for a login, where none was sent."""
        challenges = self._challenges(visit)
        if not challenges:
            return Rejected(LoginResult.MISSING)
        unanswered = self._memory.unanswered.ask(visit.client)
        detail = ""
        if unanswered:
            detail = _ONLY_BASIC if self.offered(visit.schemes) == (Scheme.BASIC,) else _ALSO_DIGEST
        return Rejected(LoginResult.MISSING, detail, challenges, unanswered=unanswered)

    def passes_unasked(self, client: str) -> bool:
        """Whether a client at this address may go on without a login."""
        return not self.logins.required or self._trusted.admits(client)

    def offered(self, schemes: frozenset[Scheme] | None) -> tuple[Scheme, ...]:
        """What a 407 asks for, in its order, where a listener has these schemes.

        An algorithm that somebody has no hash for is left out; where that would leave nothing, it stays.
        """
        usable = self._usable(schemes)
        digests = tuple(scheme for scheme in DIGESTS if scheme in usable)
        basic = (Scheme.BASIC,) if Scheme.BASIC in usable else ()
        complete = tuple(scheme for scheme in digests if scheme in self.users.digests)
        return (*complete, *basic) or digests

    def _usable(self, schemes: frozenset[Scheme] | None) -> frozenset[Scheme]:
        return self.logins.schemes if schemes is None else schemes

    def _judge_login(self, visit: AuthRequest) -> AuthResult:
        limited = self._limited(visit)
        if limited is not None:
            return limited
        if len(visit.authorization) > 1:
            return self._unusable(visit, "there are two of them")
        try:
            credentials = read_credentials(visit.authorization[0].raw)
        except CredentialsError as error:
            return self._unusable(visit, str(error))
        match credentials:
            case BasicCredentials():
                return self._judge_basic(visit, credentials)
            case DigestCredentials():
                return self._judge_digest(visit, credentials)
            case OtherCredentials():
                return self._not_offered(visit, credentials.scheme)

    def _judge_basic(self, visit: AuthRequest, offered: BasicCredentials) -> AuthResult:
        if Scheme.BASIC not in self._usable(visit.schemes):
            return self._not_offered(visit, Scheme.BASIC)
        stored, known = self.users.password_of(offered.user)
        if stored is None:
            return self._failed(visit, Scheme.BASIC, offered.user, known=False)
        mark = self._memory.verified.mark(offered.user, offered.password, stored.text)
        if known and self._memory.verified.holds(mark):
            return Admitted(Identity(offered.user, visit.certificate), Scheme.BASIC)
        return CheckNeeded(PasswordCheck(offered.user, offered.password, stored, known, mark))

    def _judge_digest(self, visit: AuthRequest, offered: DigestCredentials) -> AuthResult:
        """First whether the client knows the password: only then is it told that its nonce is stale (RFC 7616 3.3)."""
        scheme = digest.OF_ALGORITHM.get(offered.algorithm)
        if scheme is None or scheme not in self.offered(visit.schemes):
            return self._not_offered(visit, "digest" if scheme is None else scheme)
        if offered.realm != self.logins.realm.encode():
            return self._unusable(visit, "it is for another realm", scheme)
        if not _names(offered.uri, visit.target):
            return self._unusable(visit, "its uri is not the target of the request", scheme)
        secret, known = self.users.ha1_of(scheme, offered.user)
        if not (digest.is_right(scheme, secret, _METHOD, offered) and known):
            return self._failed(visit, scheme, offered.user, known=known)
        made = self._nonces.made_at(offered.nonce, visit.client)
        if made is None:
            return self._stale(visit, LoginResult.STALE, "its nonce is too old", scheme, offered.user)
        if not self._memory.replays.is_new(offered.nonce, made, offered.count):
            return self._stale(visit, LoginResult.REPLAYED, "its nonce was used already", scheme, offered.user)
        return Admitted(Identity(offered.user, visit.certificate), scheme)

    def _limited(self, visit: AuthRequest, scheme: str = "", user: str = "") -> Rejected | None:
        """Whether its source has to wait, so that nothing of a login may be told."""
        seconds = self._memory.failures.seconds_left(visit.client)
        if not seconds:
            return None
        detail = f"the next one is looked at in {math.ceil(seconds)} s"
        return Rejected(LoginResult.LIMITED, detail, (), scheme, user)

    def _failed(self, visit: AuthRequest, scheme: Scheme, user: str, *, known: bool) -> Rejected:
        self._memory.failures.add(visit.client)
        result = LoginResult.WRONG_PASSWORD if known else LoginResult.UNKNOWN_USER
        return Rejected(result, "", self._challenges(visit), scheme, user)

    def _stale(self, visit: AuthRequest, result: LoginResult, detail: str, scheme: Scheme, user: str) -> Rejected:
        return Rejected(result, detail, self._challenges(visit, stale=True), scheme, user)

    def _unusable(self, visit: AuthRequest, detail: str, scheme: str = "") -> Rejected:
        return Rejected(LoginResult.UNUSABLE, detail, self._challenges(visit), scheme)

    def _not_offered(self, visit: AuthRequest, scheme: str) -> Rejected:
        detail = f"{scheme} is not among the schemes that are offered here"
        return Rejected(LoginResult.NOT_OFFERED, detail, self._challenges(visit), scheme)

    def _challenges(self, visit: AuthRequest, *, stale: bool = False) -> tuple[str, ...]:
        """One field each: some clients do not tell apart what stands in one (RFC 9110 section 11.6.1)."""
        realm = self.logins.realm
        nonce = self._nonces.make(visit.client)
        return tuple(
            f'Basic realm="{realm}", charset="UTF-8"'
            if scheme is Scheme.BASIC
            else digest.challenge(scheme, realm, nonce, stale=stale)
            for scheme in self.offered(visit.schemes)
        )


def _names(uri: bytes, target: Target) -> bool:
    """Whether a Digest's uri is the target of the request; a CONNECT has it in authority-form, as stock Java does."""
    try:
        return parse_authority(uri) == target
    except TargetError:
        return False
