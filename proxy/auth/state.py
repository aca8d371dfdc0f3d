"""What the door remembers of logins, in one place: it outlives a reload, and is bounded in every part."""

import time
from collections.abc import Callable

from .login_throttle import LoginThrottle
from .nonce_replay_cache import NonceReplayCache
from .nonces import NONCE_SECONDS
from .password_cache import PasswordCache
from .unanswered_challenges import UnansweredChallenges


class AuthState:
    """One per gate. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = LoginThrottle(clock)
        self.unanswered = UnansweredChallenges(clock)
        self.verified = PasswordCache(clock)
        self.replays = NonceReplayCache(NONCE_SECONDS)
