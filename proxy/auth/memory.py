"""What the door remembers of logins, in one place: it outlives a reload, and is bounded in every part."""

import time
from collections.abc import Callable

from .failures import Failures
from .nonces import NONCE_SECONDS
from .replays import Replays
from .unanswered import Unanswered
from .verified import Verified


class LoginMemory:
    """One per gate. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.failures = Failures(clock)
        self.unanswered = Unanswered(clock)
        self.verified = Verified(clock)
        self.replays = Replays(NONCE_SECONDS)
