"""Decides whether a client may continue: without a login, with a correct one, or not.

Called after the checks of the client's network and the limits, and before the allowlist: a client that has not logged
in learns nothing about the allowlist. Each scheme has its own file (see `schemes`). No I/O.
"""

import math
from typing import Final

from msgspec import structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.clients import Identity
from licensegate.records.record import LoginResult

from .credentials import CredentialsError, name_of_unserved, split_credentials
from .login_scheme import LoginContext
from .nonces import Nonces
from .request import AuthRequest
from .result import Admitted, AuthResult, PasswordCheck, Rejected, not_offered, wrong_login
from .scheme import Scheme
from .schemes import LOGIN_SCHEMES
from .settings import LoginSettings
from .state import AuthState
from .users import Users

_WRONG: Final = frozenset({LoginResult.WRONG_PASSWORD, LoginResult.UNKNOWN_USER})
_STALE: Final = frozenset({LoginResult.STALE, LoginResult.REPLAYED})


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
        """Use the schemes of `settings`, unless others are given."""
        self.settings = settings
        self.users = users
        self._nonces = nonces
        self._state = state
        self._trusted = ClientNetworks(settings.trusted_networks)
        self._enabled = settings.schemes if schemes is None else schemes
        context = LoginContext(settings.realm, users, nonces, state, self._enabled)
        self._schemes = tuple(scheme(context) for scheme in LOGIN_SCHEMES)
        self._by_auth_scheme = {scheme.auth_scheme: scheme for scheme in self._schemes}
        self.offered = tuple(name for scheme in self._schemes for name in scheme.offered)

    def for_listener(self, schemes: frozenset[Scheme] | None) -> "Authenticator":
        """Return the same authenticator with a listener's own schemes; itself for None."""
        if schemes is None:
            return self
        return Authenticator(self.settings, self.users, self._nonces, self._state, schemes)

    def authenticate(self, request: AuthRequest) -> AuthResult:
        """Decide whether this client may continue. A login that is sent is checked even if none is required."""
        if request.authorization and self.offered:
            self._state.unanswered_challenges.answered(request.client)
            return self._limited(request) or self._complete(request, self._check(request))
        if self._takes_certificate(request.certificate):
            return Admitted(Identity(certificate=request.certificate), Scheme.CERTIFICATE)
        if self.needs_no_login(request.client):
            return Admitted(Identity(certificate=request.certificate))
        return self.ask_to_log_in(request)

    def password_checked(self, request: AuthRequest, check: PasswordCheck, *, right: bool) -> AuthResult:
        """Decide once the password check that `authenticate` asked for is done.

        If the source has to wait by then, the result stays secret: parallel guesses gain nothing over serial ones. A
        user who was removed meanwhile is unknown, whatever the password.
        """
        limited = self._limited(request, check.scheme, check.user)
        if limited is not None:
            return limited
        is_known = check.is_known and self.users.knows(check.user)
        right = right and is_known
        self._state.proven_logins.note(request.client, check.user, right=right)
        if not right:
            return self._complete(request, wrong_login(check.scheme, check.user, known=is_known))
        self._state.password_cache.add(check.login_hash)
        return Admitted(Identity(check.user, request.certificate), check.scheme)

    def ask_to_log_in(self, request: AuthRequest) -> Rejected:
        """Reject a client that sent no login, with a challenge if there is one."""
        if not self.offered:
            return Rejected(LoginResult.MISSING)
        unanswered = self._state.unanswered_challenges.ask(request.client)
        detail = next(scheme.if_unanswered for scheme in self._schemes if scheme.offered) if unanswered else ""
        return Rejected(LoginResult.MISSING, detail, self._challenges(request.client), unanswered=unanswered)

    def readmit(self, client: str, identity: Identity) -> Identity | None:
        """Return who a client that was admitted as `identity` is now; None if it would not be admitted again.

        A password that has changed since does not count: the client proved the one that was right then.
        """
        if identity.user and self.offered:
            return identity if self.users.knows(identity.user) else None
        if self._takes_certificate(identity.certificate) or self.needs_no_login(client):
            return Identity(certificate=identity.certificate)
        return None

    def needs_no_login(self, client: str) -> bool:
        """Tell whether a client at this address may continue without a login."""
        return not self.settings.required or self._trusted.admits(client)

    def _takes_certificate(self, names: tuple[str, ...]) -> bool:
        """Tell whether a client with these names in its certificate needs no other login."""
        return bool(names) and Scheme.CERTIFICATE in self._enabled

    def _check(self, request: AuthRequest) -> AuthResult:
        if len(request.authorization) > 1:
            return Rejected(LoginResult.UNUSABLE, "there are two of them")
        try:
            auth_scheme, credentials = split_credentials(request.authorization[0].raw)
            scheme = self._by_auth_scheme.get(auth_scheme)
            if scheme is None:
                return not_offered(name_of_unserved(auth_scheme))
            return scheme.check(request, credentials)
        except CredentialsError as error:
            return Rejected(LoginResult.UNUSABLE, str(error))

    def _limited(self, request: AuthRequest, scheme: str = "", user: str = "") -> Rejected | None:
        """Return the rejection while the client's source has to wait after wrong logins; else None."""
        seconds = self._state.login_throttle.seconds_left(request.client)
        if not seconds:
            return None
        detail = f"the next one is checked in {math.ceil(seconds)} s"
        return Rejected(LoginResult.LIMITED, detail, scheme=scheme, user=user, wait=seconds)

    def _complete(self, request: AuthRequest, result: AuthResult) -> AuthResult:
        """Count a wrong login against its source, and add the challenges to a rejection."""
        if not isinstance(result, Rejected):
            return result
        if result.result in _WRONG:
            self._state.login_throttle.add(request.client)
        return structs.replace(result, challenges=self._challenges(request.client, stale=result.result in _STALE))

    def _challenges(self, client: str, *, stale: bool = False) -> tuple[str, ...]:
        """Return one field per challenge: some clients cannot split a list of them (RFC 9110 section 11.6.1)."""
        return tuple(value for scheme in self._schemes for value in scheme.challenges(client, stale=stale))
