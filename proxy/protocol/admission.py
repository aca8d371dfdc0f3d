"""May this client have a tunnel to that target? Checks the limits, its login, its user's rate, then the allowlist.

In this order, a client without a login learns nothing about the allowlist. The client's network was checked before.
Writes the decision and its reason into the record. No I/O.
"""

import math

from msgspec import Struct

from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.allowlist.policy import Reason
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult, TunnelRecord
from licensegate.records.secret import Secret
from licensegate.records.text import printable

from ..auth.authenticator import Authenticator
from ..auth.request import AuthRequest
from ..auth.result import Admitted, AuthResult, CheckNeeded, PasswordCheck, Rejected
from ..settings import TunnelChecks
from ..wire.protocol_detection import ClientProtocol
from .rate_limit import RateLimit
from .refusals import for_login, for_reason
from .snapshot import Snapshot
from .tunnel_counter import TunnelCounter, User

_USER_CHARACTERS = 64


class Granted(Struct, frozen=True, gc=False):
    """The client may, as `identity`: `rule` allows the target, and its first bytes in the tunnel must pass `checks`."""

    target: Target
    rule: Rule
    checks: TunnelChecks
    identity: Identity = NOBODY


class Refused(Struct, frozen=True):
    """The client may not. `challenges` are the Proxy-Authenticate values of a 407.

    `wait`: the seconds until it may try again, 0 if they are not known.
    """

    outcome: Outcome
    detail: str = ""
    challenges: tuple[str, ...] = ()
    wait: float = 0


def too_fast(outcome: Outcome, wait: float) -> Refused:
    """Refuse a client or a user that comes too often, and may come again after so many seconds."""
    return Refused(outcome, f"the next one is served in {math.ceil(wait)} s", wait=wait)


AdmissionResult = Granted | CheckNeeded | Refused


class Admission:
    """One client's request for one target. `identity` comes from the client's certificate."""

    __slots__ = ("_check", "_client_protocol", "_counter", "_identity", "_record", "_request", "_snapshot", "_target")

    def __init__(
        self,
        snapshot: Snapshot,
        counter: TunnelCounter,
        record: TunnelRecord,
        target: Target,
        *,
        client_protocol: ClientProtocol,
        identity: Identity = NOBODY,
    ) -> None:
        self._snapshot = snapshot
        self._counter = counter
        self._record = record
        self._target = target
        self._client_protocol = client_protocol
        self._identity = identity
        self._request: AuthRequest | None = None  # passed to the authenticator
        self._check: PasswordCheck | None = None

    def begin(self, authorization: tuple[Secret, ...] = ()) -> AdmissionResult:
        """Decide, or ask for a check of the password first. `authorization`: the Proxy-Authorization values."""
        record, snapshot = self._record, self._snapshot
        record.target = str(self._target)
        full = self._counter.why_refused(record.client, snapshot.limits)
        if full is not None:
            return Refused(full)
        authenticator = snapshot.authenticator
        if authenticator is None:
            return self._judge_target()
        if self._client_protocol is ClientProtocol.TLS:  # without a CONNECT the client cannot log in
            return self._judge_target() if authenticator.needs_no_login(record.client) else self._cannot_log_in()
        self._request = AuthRequest(record.client, self._target, authorization, self._identity.certificate)
        return self._follow(authenticator.authenticate(self._request))

    def login_checked(self, *, right: bool) -> AdmissionResult:
        """Decide, now that the password is known to be right or wrong."""
        snapshot, request, check = self._snapshot, self._request, self._check
        if request is None or check is None:
            raise RuntimeError("no login is being checked")
        if not snapshot.clients.admits(self._record.client):
            return Refused(Outcome.CLIENT_NOT_ALLOWED)
        if snapshot.authenticator is None:
            return self._judge_target()
        return self._follow(snapshot.authenticator.password_checked(request, check, right=right))

    def adopt(self, snapshot: Snapshot) -> None:
        """Decide by other settings, because they came into force while the password is checked."""
        self._snapshot = snapshot

    def _cannot_log_in(self) -> Refused:
        self._record.login_result = LoginResult.IMPOSSIBLE
        return Refused(Outcome.LOGIN_IMPOSSIBLE)

    def _follow(self, result: AuthResult) -> AdmissionResult:
        note_login(result, self._record)
        match result:
            case Admitted():
                self._identity = result.identity
                return self._judge_target()
            case CheckNeeded():
                self._check = result.check
                return result
            case Rejected():
                return self._refuse_login(result)

    def _refuse_login(self, rejected: Rejected) -> Refused:
        authenticator = self._snapshot.authenticator
        if rejected.challenges and authenticator is not None:
            self._record.login_offered = authenticator.offered
        return Refused(for_login(rejected), rejected.detail, rejected.challenges, rejected.wait)

    def _count_request(self, rate: RateLimit[User]) -> Refused | None:
        """Count the request for its user, if it has one. Returns the refusal if it comes too soon."""
        user = self._identity.user or self._identity.certificate[:1]
        wait = rate.take(user) if user else 0
        return too_fast(Outcome.USER_RATE_EXCEEDED, wait) if wait else None

    def _judge_target(self) -> AdmissionResult:
        record, snapshot = self._record, self._snapshot
        if self._counter.user_rate is not None:
            too_soon = self._count_request(self._counter.user_rate)
            if too_soon is not None:
                return too_soon
        decision = snapshot.policy.decide(self._target, record.client, self._identity)
        record.policy = snapshot.policy.hash
        record.allowed = decision.allowed
        if not decision.allowed:
            record.preset = decision.detail if decision.reason is Reason.IN_PRESET else ""
            refused = for_reason(decision.reason, self._client_protocol)
            if not decision.reported:
                asked = self._ask_to_log_in() if decision.reason is Reason.LOGIN_LACKING else None
                return asked or Refused(refused, decision.detail)
            record.reported = refused.label
        rule = decision.rule
        if rule is None:
            raise RuntimeError(f"the policy allows {self._target} without a rule")
        if decision.allowed:
            record.rule = str(rule)
            record.preset = rule.preset
        return Granted(self._target, rule, snapshot.checks.checks_for(rule, record.client), self._identity)

    def _ask_to_log_in(self) -> Refused | None:
        """Ask a client without a login for one, since some users may go there. None if it cannot be asked."""
        authenticator: Authenticator | None = self._snapshot.authenticator
        if authenticator is None or self._request is None or not authenticator.offered:
            return None
        asked = authenticator.ask_to_log_in(self._request)
        note_login(asked, self._record)
        return self._refuse_login(asked)


def note_login(result: AuthResult, record: TunnelRecord) -> None:
    """Write into the record who logged in and how, or why the login failed."""
    match result:
        case Admitted(identity, scheme) if scheme is not None:
            record.login = scheme
            record.user = _shown(identity.user or identity.certificate[0])
            record.login_result = LoginResult.ACCEPTED
        case Rejected():
            record.login = result.scheme
            record.user = _shown(result.user)
            record.login_result = result.result
            record.login_unanswered = result.unanswered
        case CheckNeeded():
            record.login = result.check.scheme
            record.user = _shown(result.check.user)


def _shown(user: str) -> str:
    return printable(user.encode(), _USER_CHARACTERS)
