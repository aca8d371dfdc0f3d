"""What the door remembers of logins, in one place: it outlives a reload, and is bounded in every part."""

import time
from collections.abc import Callable

from .login_throttle import Failures
from .nonce_replay_cache import Replays
from .nonces import NONCE_SECONDS
from .password_cache import Verified
from .unanswered_challenges import Unanswered


class LoginMemory:
    """One per gate. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = Failures(clock)
        self.unanswered = Unanswered(clock)
        self.verified = Verified(clock)
        self.replays = Replays(NONCE_SECONDS)
