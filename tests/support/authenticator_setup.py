"""An authenticator with one user, and the logins of clients that know the password or do not."""

from ipaddress import ip_network

from licensegate.allowlist.target import Target
from licensegate.proxy.auth.authenticator import Authenticator
from licensegate.proxy.auth.nonces import Nonces
from licensegate.proxy.auth.password_hash import read_hash
from licensegate.proxy.auth.request import AuthRequest
from licensegate.proxy.auth.result import AuthResult, CheckNeeded, Rejected
from licensegate.proxy.auth.scheme import DIGESTS, Scheme
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.auth.state import AuthState
from licensegate.proxy.auth.users import Users
from licensegate.records.secret import Secret
from support.clock import Clock
from support.logins import REALM, USER, htdigest_lines, htpasswd_line, parameters

CUCM, TRUSTED, ELSEWHERE = "10.1.2.3", "10.9.9.9", "10.1.2.4"

TOOLS = Target("tools.cisco.com", 443)

EVERY_SCHEME = frozenset(Scheme)

STORED = read_hash(htpasswd_line().rstrip().partition(":")[2])

HA1 = dict(zip(DIGESTS, (line.rpartition(":")[2] for line in htdigest_lines().split()), strict=True))

USERS = Users({USER: STORED}, {scheme: {USER: secret} for scheme, secret in HA1.items()})

KEY = Secret(b"k" * 32)


class Setup:
    """An authenticator with its clock and state."""

    def __init__(
        self,
        *,
        required: bool = True,
        schemes: frozenset[Scheme] = EVERY_SCHEME,
        users: Users = USERS,
        key: Secret = KEY,
        state: AuthState | None = None,
    ) -> None:
        self.clock = Clock(1_800_000_000.0)
        logins = LoginSettings(required, schemes, REALM, (ip_network(f"{TRUSTED}/32"),))
        self.state = state or AuthState(self.clock)
        self.authenticator = Authenticator(logins, users, Nonces(key, self.clock), self.state)

    def request(self, *values: str | bytes, client: str = CUCM, **more: object) -> AuthRequest:
        sent = tuple(Secret(value if isinstance(value, bytes) else value.encode()) for value in values)
        return AuthRequest(client, TOOLS, authorization=sent, **more)  # type: ignore[arg-type]

    def authenticate(
        self, *values: str | bytes, client: str = CUCM, listener: frozenset[Scheme] | None = None, **more: object
    ) -> AuthResult:
        """The result of a login, with its password checked, at a listener with these schemes of its own."""
        request, authenticator = self.request(*values, client=client, **more), self.authenticator.for_listener(listener)
        result = authenticator.authenticate(request)
        if isinstance(result, CheckNeeded):
            result = authenticator.password_checked(request, result.check, right=result.check.is_right())
        return result

    def challenges(self, client: str = CUCM, listener: frozenset[Scheme] | None = None) -> dict[str, str]:
        """The challenges that a client gets, by algorithm."""
        asked = self.authenticator.for_listener(listener).ask_to_log_in(self.request(client=client))
        return {parameters(text).get("algorithm", "Basic"): text for text in asked.challenges}


def rejection(result: AuthResult) -> Rejected:
    assert isinstance(result, Rejected)
    return result
