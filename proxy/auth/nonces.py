"""Stateless nonces: their time and a keyed hash, so that any gate with the key recognises them and knows their age.

A nonce is bound to its client's source address, because the answer to a challenge comes on another connection. Gates
that share a key accept each other's nonces. No I/O; the clock is handed in.
"""

import base64
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from licensegate.allowlist.client_block import client_block
from licensegate.records.secret import Secret

NONCE_SECONDS: Final = 300
"""How long a nonce may be used. Clients keep theirs for their next tunnels and are told when it is stale."""

SKEW_SECONDS: Final = 60  # how far the clock of another gate with the same key may be ahead
_TIME_BYTES: Final = 8
_RANDOM_BYTES: Final = 9  # makes nonces of the same millisecond differ, because uses are counted per nonce
_SEAL_BYTES: Final = 16
_CHARACTERS: Final = (_TIME_BYTES + _RANDOM_BYTES + _SEAL_BYTES) * 4 // 3  # 33 bytes need no base64 padding
_NONCE: Final = re.compile(rb"[A-Za-z0-9_-]{%d}" % _CHARACTERS)


class Nonces:
    """Makes and verifies nonces with one key. `clock` is the time of day in seconds."""

    def __init__(self, key: Secret, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def make(self, client: str) -> str:
        """Return a new nonce for the client at this address."""
        milliseconds = int(self._clock() * 1000)
        content = milliseconds.to_bytes(_TIME_BYTES, "big") + secrets.token_bytes(_RANDOM_BYTES)
        return base64.urlsafe_b64encode(content + self._seal(content, client)).decode("ascii")

    def made_at(self, nonce: bytes, client: str) -> float | None:
        """Return when a nonce was made, in seconds; None if it is stale, forged, or made for another client."""
        if not _NONCE.fullmatch(nonce):
            return None
        raw = base64.urlsafe_b64decode(nonce)
        content, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
        if not hmac.compare_digest(self._seal(content, client), seal):
            return None
        made = int.from_bytes(content[:_TIME_BYTES], "big") / 1000
        return made if -SKEW_SECONDS <= self._clock() - made < NONCE_SECONDS else None

    def _seal(self, content: bytes, client: str) -> bytes:
        return hmac.digest(self._key.raw, content + client_block(client).encode(), "sha256")[:_SEAL_BYTES]
