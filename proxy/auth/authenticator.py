"""Who may go on: without a login, by a right one, or not at all.

Asked after the client's network and the limits and before the allowlist, so that a client without a login learns
nothing of it. A Digest is checked at once; a password takes tens of milliseconds and is checked in a thread. The answer
to a challenge comes on another connection: nonces and source addresses link the two. No I/O.
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
    """The logins in force at one listener. `state` outlives reloads and is shared by all of a gate's authenticators."""

    def __init__(
        self,
        settings: LoginSettings,
        users: Users,
        nonces: Nonces,
        state: AuthState,
        schemes: frozenset[Scheme] | None = None,
    ) -> None:
        """Take the schemes of `settings`, or others in their place."""
        self.settings = settings
        self.users = users
        self._nonces = nonces
        self._state = state
        self._trusted = ClientNetworks(settings.trusted_networks)
        self._schemes = settings.schemes if schemes is None else schemes
        self.offered = _offered(self._schemes, users)

    def for_listener(self, schemes: frozenset[Scheme] | None) -> "Authenticator":
        """The same authenticator with a listener's own schemes; itself for None."""
        if schemes is None:
            return self
        return Authenticator(self.settings, self.users, self._nonces, self._state, schemes)

    def judge(self, request: AuthRequest) -> AuthResult:
        """Whether this client may go on. A login that was sent is checked even where none is required."""
        if request.authorization and self._schemes & BY_CHALLENGE:
            self._state.unanswered.answered(request.client)
            return self._judge_login(request)
        if request.certificate and Scheme.CERTIFICATE in self._schemes:
            return Admitted(Identity(certificate=request.certificate), Scheme.CERTIFICATE)
        if self.passes_unasked(request.client):
            return Admitted(Identity(certificate=request.certificate))
        return self.ask(request)

    def checked(self, request: AuthRequest, check: PasswordCheck, *, right: bool) -> AuthResult:
        """The result of the check that `judge` asked for.

        A source that has to wait by now gets no answer, so that guesses made at once gain nothing over guesses in turn.
        """
        limited = self._limited(request, Scheme.BASIC, check.user)
        if limited is not None:
            return limited
        if not right:
            return self._failed(request, Scheme.BASIC, check.user, known=check.is_known)
        self._state.verified.add(check.mark)
        return Admitted(Identity(check.user, request.certificate), Scheme.BASIC)

    def ask(self, request: AuthRequest) -> Rejected:
        """Ask for a login: none was sent."""
        challenges = self._challenges(request)
        if not challenges:
            return Rejected(LoginResult.MISSING)
        unanswered = self._state.unanswered.ask(request.client)
        detail = ""
        if unanswered:
            detail = _ONLY_BASIC if self.offered == (Scheme.BASIC,) else _ALSO_DIGEST
        return Rejected(LoginResult.MISSING, detail, challenges, unanswered=unanswered)

    def passes_unasked(self, client: str) -> bool:
        """Whether a client at this address may go on without a login."""
        return not self.settings.required or self._trusted.admits(client)

    def _judge_login(self, request: AuthRequest) -> AuthResult:
        limited = self._limited(request)
        if limited is not None:
            return limited
        if len(request.authorization) > 1:
            return self._unusable(request, "there are two of them")
        try:
            credentials = read_credentials(request.authorization[0].raw)
        except CredentialsError as error:
            return self._unusable(request, str(error))
        match credentials:
            case BasicCredentials():
                return self._judge_basic(request, credentials)
            case DigestCredentials():
                return self._judge_digest(request, credentials)
            case OtherCredentials():
                return self._not_offered(request, credentials.scheme)

    def _judge_basic(self, request: AuthRequest, offered: BasicCredentials) -> AuthResult:
        if Scheme.BASIC not in self._schemes:
            return self._not_offered(request, Scheme.BASIC)
        stored, known = self.users.password_of(offered.user)
        if stored is None:
            return self._failed(request, Scheme.BASIC, offered.user, known=False)
        mark = self._state.verified.mark(offered.user, offered.password, stored.text)
        if known and self._state.verified.holds(mark):
            return Admitted(Identity(offered.user, request.certificate), Scheme.BASIC)
        return CheckNeeded(PasswordCheck(offered.user, offered.password, stored, known, mark))

    def _judge_digest(self, request: AuthRequest, offered: DigestCredentials) -> AuthResult:
        """The password first: only a client that knows it is told that its nonce is stale (RFC 7616 section 3.3)."""
        scheme = digest.OF_ALGORITHM.get(offered.algorithm)
        if scheme is None or scheme not in self.offered:
            return self._not_offered(request, "digest" if scheme is None else scheme)
        if offered.realm != self.settings.realm.encode():
            return self._unusable(request, "it is for another realm", scheme)
        if not _names(offered.uri, request.target):
            return self._unusable(request, "its uri is not the target of the request", scheme)
        secret, known = self.users.ha1_of(scheme, offered.user)
        if not (digest.is_right(scheme, secret, _METHOD, offered) and known):
            return self._failed(request, scheme, offered.user, known=known)
        made = self._nonces.made_at(offered.nonce, request.client)
        if made is None:
            return self._stale(request, LoginResult.STALE, "its nonce is too old", scheme, offered.user)
        if not self._state.replays.is_new(offered.nonce, made, offered.count):
            return self._stale(request, LoginResult.REPLAYED, "its nonce was used already", scheme, offered.user)
        return Admitted(Identity(offered.user, request.certificate), scheme)

    def _limited(self, request: AuthRequest, scheme: str = "", user: str = "") -> Rejected | None:
        """The rejection while the client's source has to wait; None if it need not."""
        seconds = self._state.failures.seconds_left(request.client)
        if not seconds:
            return None
        detail = f"the next one is looked at in {math.ceil(seconds)} s"
        return Rejected(LoginResult.LIMITED, detail, (), scheme, user)

    def _failed(self, request: AuthRequest, scheme: Scheme, user: str, *, known: bool) -> Rejected:
        self._state.failures.add(request.client)
        result = LoginResult.WRONG_PASSWORD if known else LoginResult.UNKNOWN_USER
        return Rejected(result, "", self._challenges(request), scheme, user)

    def _stale(self, request: AuthRequest, result: LoginResult, detail: str, scheme: Scheme, user: str) -> Rejected:
        return Rejected(result, detail, self._challenges(request, stale=True), scheme, user)

    def _unusable(self, request: AuthRequest, detail: str, scheme: str = "") -> Rejected:
        return Rejected(LoginResult.UNUSABLE, detail, self._challenges(request), scheme)

    def _not_offered(self, request: AuthRequest, scheme: str) -> Rejected:
        detail = f"{scheme} is not among the schemes that are offered here"
        return Rejected(LoginResult.NOT_OFFERED, detail, self._challenges(request), scheme)

    def _challenges(self, request: AuthRequest, *, stale: bool = False) -> tuple[str, ...]:
        """One field per challenge: some clients cannot split a list of them (RFC 9110 section 11.6.1)."""
        realm = self.settings.realm
        nonce = self._nonces.make(request.client)
        return tuple(
            f'Basic realm="{realm}", charset="UTF-8"'
            if scheme is Scheme.BASIC
            else digest.challenge(scheme, realm, nonce, stale=stale)
            for scheme in self.offered
        )


def _offered(schemes: frozenset[Scheme], users: Users) -> tuple[Scheme, ...]:
    """What a 407 asks for, in this order.

    A Digest algorithm that some user has no hash for is left out, unless that would leave nothing.
    """
    digests = tuple(scheme for scheme in DIGESTS if scheme in schemes)
    basic = (Scheme.BASIC,) if Scheme.BASIC in schemes else ()
    complete = tuple(scheme for scheme in digests if scheme in users.digests)
    return (*complete, *basic) or digests


def _names(uri: bytes, target: Target) -> bool:
    """Whether a Digest's uri is the request's target, in authority-form as stock Java sends it."""
    try:
        return parse_authority(uri) == target
    except TargetError:
        return False
