"""Who may log in to a running gate: the door by the settings, made anew when its files of users change."""

import logging
import secrets
from typing import Final

from licensegate.app.settings import Auth
from licensegate.files.watch import FileWatch
from licensegate.proxy.auth.authenticator import Authenticator
from licensegate.proxy.auth.nonces import Nonces
from licensegate.proxy.auth.state import AuthState
from licensegate.proxy.auth.user_files import read_nonce_key, watch_users
from licensegate.proxy.auth.users import Users
from licensegate.records.secret import Secret

_KEY_BYTES: Final = 32

_log = logging.getLogger(__name__)


class AuthenticatorReloader:
    """Keeps in `door` the one in force, None where nobody logs in. Raises LoginFileError.

    What it remembers of logins, and a key of its own, it hands on to its `successor`.
    """

    def __init__(self, auth: Auth, memory: AuthState | None = None, own_key: Secret | None = None) -> None:
        self._auth = auth
        self._memory = memory or AuthState()
        self._own_key = own_key or Secret(secrets.token_bytes(_KEY_BYTES))
        self._users: FileWatch[Users] | None = None
        self.authenticator: Authenticator | None = None
        if auth.possible:
            key = self._own_key if auth.nonce_key_file is None else read_nonce_key(auth.nonce_key_file)
            self._nonces = Nonces(key)
            self._users = watch_users(auth.htpasswd, auth.htdigest, auth.logins.realm)
            self._open(self._users.value)

    def successor(self, auth: Auth) -> "AuthenticatorReloader":
        """One by other settings, which knows what this one does. Raises LoginFileError."""
        return AuthenticatorReloader(auth, self._memory, self._own_key)

    def look(self) -> bool:
        """Whether there is a new door. Raises LoginFileError once per change that is refused; the old one stays."""
        if self._users is None or not self._users.look():
            return False
        self._open(self._users.value)
        return True

    def _open(self, users: Users) -> None:
        self.authenticator = Authenticator(self._auth.logins, users, self._nonces, self._memory)
        required = "required" if self._auth.logins.required else "not required"
        offered = " or ".join(self.authenticator.offered) or "certificate"
        known = f"{users.with_password} by password, {users.with_digest} by Digest"
        _log.info("a login is %s, by %s; known: %s", required, offered, known)
        for note in users.notes:
            _log.warning("%s", note)
