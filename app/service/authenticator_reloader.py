"""The authenticator in force: built from the settings, and rebuilt when its user files change."""

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
    """Keeps the current authenticator in `authenticator`; None if the settings ask for no logins.

    Its `successor` keeps the login state and the nonce key. Raises LoginFileError.
    """

    def __init__(self, auth: Auth, state: AuthState | None = None, own_key: Secret | None = None) -> None:
        self._auth = auth
        self._state = state or AuthState()
        self._own_key = own_key or Secret(secrets.token_bytes(_KEY_BYTES))
        self._key = self._own_key
        self._users: FileWatch[Users] | None = None
        self.authenticator: Authenticator | None = None
        if auth.possible:
            if auth.nonce_key_file is not None:
                self._key = read_nonce_key(auth.nonce_key_file)
            self._nonces = Nonces(self._key)
            self._users = watch_users(auth.htpasswd, auth.htdigest, auth.logins.realm)
            self._build(self._users.value)

    @property
    def users(self) -> Users:
        """The users who can log in; no users if the settings ask for no logins."""
        return Users({}, {}) if self._users is None else self._users.value

    @property
    def shared_key(self) -> bytes:
        """The key of the nonces that gates share; empty without one."""
        return b"" if self._key is self._own_key else self._key.raw

    def successor(self, auth: Auth) -> "AuthenticatorReloader":
        """A reloader for other settings, with this one's login state and nonce key. Raises LoginFileError."""
        return AuthenticatorReloader(auth, self._state, self._own_key)

    def look(self) -> bool:
        """Rebuild the authenticator if the user files have changed. Returns whether it did.

        Raises LoginFileError, once per change, for files that cannot be used; the authenticator then stays as it is.
        """
        if self._users is None or not self._users.look():
            return False
        self._build(self._users.value)
        return True

    def _build(self, users: Users) -> None:
        self.authenticator = Authenticator(self._auth.logins, users, self._nonces, self._state)
        required = "required" if self._auth.logins.required else "not required"
        schemes = " or ".join(self.authenticator.offered) or "certificate"
        known = f"{users.with_password} by password, {users.with_digest} by Digest"
        _log.info("a login is %s, by %s; known users: %s", required, schemes, known)
        for note in users.notes:
            _log.warning("%s", note)
