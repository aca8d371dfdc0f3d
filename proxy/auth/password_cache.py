"""Remembers recent correct password logins, because checking a password takes tens of milliseconds.

Keeps a keyed hash of the user, the password and the hash in the file, under a key that dies with the process. A new
hash in the file makes the old entry useless. Bounded in time and number. No I/O; the clock is handed in.
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
    """Recent correct logins. `clock` is any steady time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, remembered: int = _REMEMBERED) -> None:
        self._key = Secret(secrets.token_bytes(32))
        self._clock = clock
        self._until: BoundedDict[bytes, float] = BoundedDict(remembered)

    def __len__(self) -> int:
        return len(self._until)

    def hash_of(self, user: str, password: Secret, stored: Secret) -> bytes:
        """Return the keyed hash that stands for this login."""
        parts = (user.encode(), password.raw, stored.raw)
        return hmac.digest(self._key.raw, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")

    def holds(self, login_hash: bytes) -> bool:
        """Tell whether this login was found correct within the last KEPT_SECONDS."""
        until = self._until.get(login_hash)
        return until is not None and self._clock() < until

    def add(self, login_hash: bytes) -> None:
        """Remember that this login is correct."""
        self._until.put(login_hash, self._clock() + KEPT_SECONDS)
