"""Basic (RFC 7617): the client sends the password itself, which is checked against a slow hash in a thread. No I/O."""

import binascii
import re
from typing import Final

from msgspec import Struct

from licensegate.allowlist.client_block import client_block
from licensegate.allowlist.clients import Identity
from licensegate.records.secret import Secret

from .credentials import CredentialsError, check_no_controls, check_user, decode_text
from .login_scheme import LoginContext
from .request import AuthRequest
from .result import Admitted, AuthResult, CheckNeeded, PasswordCheck, not_offered, wrong_login
from .scheme import Scheme

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]+={0,2}")


class BasicCredentials(Struct, frozen=True):
    """A user and a password, the password in UTF-8."""

    user: str
    password: Secret


def read_basic(token: bytes) -> BasicCredentials:
    """Read what follows the word Basic (RFC 7617 section 2). Raises CredentialsError."""
    token = token.rstrip(b" \t")
    try:
        raw = binascii.a2b_base64(token, strict_mode=True) if _BASE64.fullmatch(token) else b""
    except binascii.Error:
        raw = b""
    user, colon, password = decode_text(raw).partition(":")
    if not colon:
        raise CredentialsError("it is not a user and a password, joined by a colon, in base64")
    check_user(user)
    check_no_controls(password, "password")
    return BasicCredentials(user, Secret(password.encode()))


class Basic:
    """Basic at one listener. A login that was correct within the last minute is not checked again."""

    auth_scheme = "basic"
    if_unanswered = "only Basic was offered, which Java does not use for a tunnel by default"

    def __init__(self, context: LoginContext) -> None:
        self.offered: tuple[Scheme, ...] = (Scheme.BASIC,) if Scheme.BASIC in context.enabled else ()
        self._challenges = tuple(f'Basic realm="{context.realm}", charset="UTF-8"' for _ in self.offered)
        self._users = context.users
        self._state = context.state

    def challenges(self, client: str, *, stale: bool) -> tuple[str, ...]:
        """Return the one challenge, the same for every client."""
        return self._challenges

    def check(self, request: AuthRequest, credentials: bytes) -> AuthResult:
        """Admit a cached login; else ask for a password check, for an unknown user too."""
        sent = read_basic(credentials)
        if not self.offered:
            return not_offered(Scheme.BASIC)
        stored, known = self._users.password_of(sent.user)
        if stored is None:
            return wrong_login(Scheme.BASIC, sent.user, known=False)
        state = self._state
        login_hash = state.password_cache.hash_of(sent.user, sent.password, stored.text)
        if known and state.password_cache.holds(login_hash):
            return Admitted(Identity(sent.user, request.certificate), Scheme.BASIC)
        source, standing = client_block(request.client), state.standing(request.client, sent.user)
        throttle = state.login_throttle
        return CheckNeeded(
            PasswordCheck(Scheme.BASIC, sent.user, sent.password, stored, known, login_hash, source, standing, throttle)
        )
