"""Who has signed in with the admin token: sessions, and the limit on attempts.

Pure but for random numbers. Sessions are kept by the hash of what the browser sends, so looking one up tells nothing
about the others.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from licensegate.allowlist.client_block import client_block
from licensegate.records.bounded import BoundedDict

SESSION_SECONDS: Final = 8 * 3600
"""A working day; then people sign in again."""

IDLE_SECONDS: Final = 3600
MOST_SESSIONS: Final = 64
MOST_FAILURES: Final = 5
"""Wrong tokens from one address (IPv6: a /64) within FAILURE_SECONDS, before it has to wait."""

FAILURE_SECONDS: Final = 300
_MOST_SOURCES: Final = 1024


class Session(Struct, frozen=True):
    """A browser that has signed in.

    `cookie` is the secret that it sends with each request, `form_token` the one in each of our forms, which another
    site does not know.
    """

    cookie: str
    form_token: str

    @property
    def name(self) -> str:
        """A name of the session for logs: it says nothing of the cookie, which nobody can guess."""
        return _hash(self.cookie).hex()[:8]

    def __repr__(self) -> str:
        return "Session(...)"

    def owns_form(self, given: str) -> bool:
        """Whether a form was one of ours."""
        return hmac.compare_digest(given.encode(errors="surrogateescape"), self.form_token.encode())


class SignInRefusedError(Exception):
    """No session begins. `wait_seconds` is how long to wait before another attempt; 0 after a wrong token."""

    def __init__(self, wait_seconds: int = 0) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds


class _Known(Struct):
    session: Session
    began: float
    used: float


class _Failures(Struct):
    began: float
    count: int = 0


class Sessions:
    """The open sessions. `adopt` sets the token; without one nobody can sign in. `clock` is in seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token = b""
        self._open: BoundedDict[bytes, _Known] = BoundedDict(MOST_SESSIONS)
        self._failures: BoundedDict[str, _Failures] = BoundedDict(_MOST_SOURCES)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def has_token(self) -> bool:
        """Whether anybody can sign in."""
        return bool(self._token)

    def adopt(self, token: str) -> None:
        """Use this token from now on. Another token ends all sessions."""
        if token.encode() != self._token:
            self._token = token.encode()
            self._open.clear()
            self._failures.clear()

    def sign_in(self, given: str, source: str) -> Session:
        """Begin a session for somebody who knows the token. Raises SignInRefusedError."""
        now, block = self._clock(), client_block(source)
        failures = self._failures.get(block)
        if failures is not None and now - failures.began >= FAILURE_SECONDS:
            failures = None
        if failures is not None and failures.count >= MOST_FAILURES:
            raise SignInRefusedError(int(failures.began + FAILURE_SECONDS - now) + 1)
        right = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token)
        if not (right and self._token):
            failures = failures or _Failures(now)
            failures.count += 1
            self._failures.put(block, failures)
            raise SignInRefusedError
        self._failures.pop(block, None)
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        self._open.put(_hash(session.cookie), _Known(session, now, now))
        return session

    def find(self, cookie: str) -> Session | None:
        """The session that a browser sends; None if it is over, or never was."""
        key, now = _hash(cookie), self._clock()
        known = self._open.get(key)
        if known is None:
            return None
        if now - known.began >= SESSION_SECONDS or now - known.used >= IDLE_SECONDS:
            self._open.pop(key, None)
            return None
        known.used = now
        return known.session

    def sign_out(self, session: Session) -> None:
        """End a session."""
        self._open.pop(_hash(session.cookie), None)


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode(errors="surrogateescape")).digest()
