"""The authenticator's memory of logins. It survives reloads, and every part of it is bounded."""

import time
from collections.abc import Callable

from .check_queue import Standing
from .login_throttle import LoginThrottle
from .nonce_replay_cache import NonceReplayCache
from .nonces import NONCE_SECONDS
from .password_cache import PasswordCache
from .proven_logins import ProvenLogins
from .unanswered_challenges import UnansweredChallenges


class AuthState:
    """The state shared by all authenticators of a gate. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.login_throttle = LoginThrottle(clock)
        self.unanswered_challenges = UnansweredChallenges(clock)
        self.password_cache = PasswordCache(clock)
        self.proven_logins = ProvenLogins()
        self.nonce_replay_cache = NonceReplayCache(NONCE_SECONDS)

    def standing(self, client: str, user: str) -> Standing:
        """Return how soon this client's password for this user is to be checked."""
        if self.proven_logins.holds(client, user):
            return Standing.PROVEN
        return Standing.FAILED if self.login_throttle.has_failed(client) else Standing.NEW
