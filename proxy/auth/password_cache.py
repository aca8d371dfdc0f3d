"""Which Basic logins were found right a moment ago, since finding out takes tens of milliseconds.

What is kept is a hash under a key that dies with the process, made of the user, the password and the hash in the file:
another password in the file makes another entry. Bounded in time and number. No I/O; the clock is handed in.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

from licensegate.records.secret import Secret

KEPT_SECONDS: Final = 60.0
"""Long enough for the tunnels of one exchange."""

_REMEMBERED: Final = 1024


class PasswordCache:
    """The logins found right lately. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, remembered: int = _REMEMBERED) -> None:
        self._key = Secret(secrets.token_bytes(32))
        self._clock = clock
        self._remembered = remembered
        self._until: dict[bytes, float] = {}  # in the order in which they end

    def __len__(self) -> int:
        return len(self._until)

    def mark(self, user: str, password: Secret, stored: Secret) -> bytes:
        """What stands for this login here."""
        parts = (user.encode(), password.raw, stored.raw)
        return hmac.digest(self._key.raw, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")

    def holds(self, mark: bytes) -> bool:
        """Whether this login was right lately."""
        until = self._until.get(mark)
        return until is not None and self._clock() < until

    def add(self, mark: bytes) -> None:
        """This login is right."""
        self._until.pop(mark, None)
        if len(self._until) >= self._remembered:
            del self._until[next(iter(self._until))]
        self._until[mark] = self._clock() + KEPT_SECONDS
