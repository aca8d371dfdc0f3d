"""May this client have a tunnel to that target? Limits, then its login, then the allowlist, each before the next.

So whoever does not log in learns nothing of the allowlist. The client's network was judged before anything of it was
read. Writes down in the record what was decided and why. No I/O.
"""

from msgspec import Struct

from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.allowlist.policy import Reason
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import LoginResult, Outcome
from licensegate.records.record import TunnelRecord
from licensegate.records.secret import Secret

from ..auth.result import Admitted, AuthRequest, AuthResult, CheckNeeded, Rejected
from ..auth.scheme import Scheme
from ..auth.talk import LoginTalk
from ..settings import TunnelChecks
from ..wire.protocol_detection import ClientProtocol
from .connection_counter import ConnectionCounter
from .refusals import for_login, for_reason
from .snapshot import Snapshot


class Granted(Struct, frozen=True):
    """It may: `rule` lets the target pass, and the tunnel must carry what `checks` say."""

    target: Target
    rule: Rule
    checks: TunnelChecks


class Refused(Struct, frozen=True):
    """It may not. `challenges` are the Proxy-Authenticate values of a 407."""

    outcome: Outcome
    detail: str = ""
    challenges: tuple[str, ...] = ()


AdmissionResult = Granted | CheckNeeded | Refused


class Admission:
    """One client's wish for one target. `identity` is who it has shown itself to be before it asked.

    `schemes` are the ways to log in at its listener, None for those of everywhere.
    """

    __slots__ = ("_counter", "_identity", "_login", "_record", "_schemes", "_snapshot", "_speaks", "_target")

    def __init__(
        self,
        snapshot: Snapshot,
        counter: ConnectionCounter,
        record: TunnelRecord,
        target: Target,
        *,
        speaks: ClientProtocol,
        schemes: frozenset[Scheme] | None = None,
        identity: Identity = NOBODY,
    ) -> None:
        self._snapshot = snapshot
        self._counter = counter
        self._record = record
        self._target = target
        self._speaks = speaks
        self._schemes = schemes
        self._identity = identity
        self._login: LoginTalk | None = None

    def begin(self, authorization: tuple[Secret, ...] = ()) -> AdmissionResult:
        """What is found at once; `authorization` are the values of the request's Proxy-Authorization fields."""
        record, snapshot = self._record, self._snapshot
        record.target = str(self._target)
        full = self._counter.why_refused(record.client, snapshot.limits)
        if full is not None:
            return Refused(full)
        authenticator = snapshot.authenticator
        if authenticator is None:
            return self._judge_target()
        if self._speaks is ClientProtocol.TLS:  # without a proxy, which carries no login
            return self._judge_target() if authenticator.passes_unasked(record.client) else self._cannot_log_in()
        visit = AuthRequest(record.client, self._target, self._schemes, authorization, self._identity.certificate)
        self._login = LoginTalk(authenticator, visit, record)
        return self._follow(self._login.begin())

    def login_checked(self, *, right: bool) -> AdmissionResult:
        """What is found once the password is known to be right or wrong."""
        if self._login is None:
            raise RuntimeError("there is no login to be checked")
        return self._follow(self._login.checked(right=right))

    def _cannot_log_in(self) -> Refused:
        self._record.login_result = LoginResult.IMPOSSIBLE
        return Refused(Outcome.LOGIN_IMPOSSIBLE)

    def _follow(self, verdict: AuthResult) -> AdmissionResult:
        match verdict:
            case Admitted():
                self._identity = verdict.identity
                return self._judge_target()
            case CheckNeeded():
                return verdict
            case Rejected():
                return Refused(for_login(verdict), verdict.detail, verdict.challenges)

    def _judge_target(self) -> AdmissionResult:
        record, snapshot = self._record, self._snapshot
        decision = snapshot.policy.decide(self._target, record.client, self._identity)
        record.policy = snapshot.policy.hash
        record.allowed = decision.allowed
        if not decision.allowed:
            record.preset = decision.detail if decision.reason is Reason.IN_PRESET else ""
            refused = for_reason(decision.reason, self._speaks)
            if not decision.reported:
                asked = self._ask_to_log_in() if decision.reason is Reason.LOGIN_LACKING else None
                return asked or Refused(refused, decision.detail)
            record.reported = refused.label
        rule = decision.rule
        if rule is None:
            raise RuntimeError(f"the policy lets {self._target} pass by no rule")
        if decision.allowed:
            record.rule = str(rule)
            record.preset = rule.preset
        return Granted(self._target, rule, snapshot.checks.checks_for(rule, record.client))

    def _ask_to_log_in(self) -> Refused | None:
        """Of a client that passed without a login, for a target that is for some users; None if it cannot be asked."""
        asked = self._login.ask() if self._login is not None else None
        return None if asked is None else Refused(for_login(asked), asked.detail, asked.challenges)
