"""Which Basic logins were found right a moment ago, since checking a password takes tens of milliseconds.

Kept is a keyed hash of the user, the password and the hash in the file, under a key that dies with the process: a new
password in the file makes a new entry. Bounded in time and number. No I/O; the clock is handed in.
"""

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

from licensegate.records.bounded import BoundedDict
from licensegate.records.secret import Secret

KEPT_SECONDS: Final = 60.0
"""Long enough for the tunnels of one exchange."""

_REMEMBERED: Final = 1024


class PasswordCache:
    """The logins that were right lately. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, remembered: int = _REMEMBERED) -> None:
        self._key = Secret(secrets.token_bytes(32))
        self._clock = clock
        self._until: BoundedDict[bytes, float] = BoundedDict(remembered)

    def __len__(self) -> int:
        return len(self._until)

    def mark(self, user: str, password: Secret, stored: Secret) -> bytes:
        """The keyed hash that stands for this login."""
        parts = (user.encode(), password.raw, stored.raw)
        return hmac.digest(self._key.raw, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")

    def holds(self, mark: bytes) -> bool:
        """Whether this login was right lately."""
        until = self._until.get(mark)
        return until is not None and self._clock() < until

    def add(self, mark: bytes) -> None:
        """Remember that this login is right."""
        self._until.put(mark, self._clock() + KEPT_SECONDS)
