"""Kerberos tickets by the system's GSSAPI (RFC 2744), for a client: fetched by a keytab or a password, or found.

Tickets that were fetched are kept in memory and used until they end. Whatever is here may wait for a KDC, and belongs
into a thread. python-gssapi is the extra `licensegate[kerberos]`, and is imported only where it is needed.
"""

import importlib.util
import itertools
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from licensegate.records.text import printable

from .protocol.scheme import LoginFailedError, LoginRefusedError

if TYPE_CHECKING:
    from gssapi import Credentials
    from gssapi.raw.misc import GSSError

SPNEGO: Final = "1.3.6.1.5.5.2"
"""The mechanism that the credentials are for, which negotiates Kerberos (RFC 4178)."""

_KERBEROS: Final = "1.2.840.113554.1.2.2"

_LEAST_SECONDS: Final = 60
"""A ticket that ends sooner is as good as ended: clocks differ."""

_DROP_SECONDS: Final = 300
"""Tickets that a parent has rejected are fetched anew no more often: newer ones were no better."""

_WRONG_PASSWORD: Final = frozenset({-1765328360, -1765328353})
"""KRB5KDC_ERR_PREAUTH_FAILED and KRB5KRB_AP_ERR_BAD_INTEGRITY of krb5.h: what a KDC says, or its answer shows."""

_Store: TypeAlias = dict[bytes | str, bytes | str]

_caches = itertools.count(1)


def kerberos_is_installed() -> bool:
    """Whether there is a GSSAPI to call."""
    return importlib.util.find_spec("gssapi") is not None


class Tickets:
    """Those of one account: `user` is its principal, empty for that of the keytab or cache.

    Without keytab and password they are those of `cache`, by default the one that the environment names
    (`KRB5CCNAME`), and somebody else keeps them fresh.
    """

    def __init__(self, user: str, keytab: Path | None, cache: str) -> None:
        self._user = user
        self._keytab = keytab
        self._cache = cache
        self._memory = ""
        self._password = ""
        self._dropped = -float(_DROP_SECONDS)
        self._lock = threading.Lock()

    def credentials(self, password: str) -> "Credentials":
        """What a context is made with; raises LoginRefusedError, LoginFailedError or GSSError."""
        from gssapi.raw.misc import GSSError

        with self._lock:
            try:
                store = self._store(password)
                self._acquire(_KERBEROS, store).lifetime  # noqa: B018 - raises for what has ended
            except GSSError as error:
                raise self._told(error) from None
            return self._acquire(SPNEGO, store)

    def drop(self) -> bool:
        """Have new ones fetched, even if those at hand seem to be good; whether that may help."""
        with self._lock:
            now = time.monotonic()
            if not self._memory or now - self._dropped < _DROP_SECONDS:
                return False
            self._dropped = now
            self._memory = ""
            return True

    def _store(self, password: str) -> _Store:
        """Where the tickets are, good ones if possible."""
        if self._keytab is None and not password:
            return {"ccache": self._cache} if self._cache else {}
        if not self._memory or password != self._password or not self._last():
            self._memory = f"MEMORY:licensegate-{next(_caches)}"
            self._password = password
            if password:
                self._fetch(password)
        store: _Store = {"ccache": self._memory}
        return store if self._keytab is None else store | {"client_keytab": f"FILE:{self._keytab}"}

    def _last(self) -> bool:
        """Whether those in memory do for a while."""
        from gssapi.raw.misc import GSSError

        try:
            return (self._acquire(_KERBEROS, {"ccache": self._memory}).lifetime or 0) > _LEAST_SECONDS
        except GSSError:
            return False

    def _fetch(self, password: str) -> None:
        from gssapi import OID, Credentials, Name, NameType
        from gssapi.raw import acquire_cred_with_password

        name = Name(self._user, NameType.kerberos_principal)
        acquired = acquire_cred_with_password(
            name, password.encode(), usage="initiate", mechs=[OID.from_int_seq(_KERBEROS)]
        )
        Credentials(acquired.creds).store({"ccache": self._memory}, usage="initiate", overwrite=True)

    def _acquire(self, mechanism: str, store: _Store) -> "Credentials":
        from gssapi import OID, Credentials, Name, NameType

        name = Name(self._user, NameType.kerberos_principal) if self._user else None
        return Credentials(usage="initiate", name=name, mechs=[OID.from_int_seq(mechanism)], store=store or None)

    def _told(self, error: "GSSError") -> LoginRefusedError | LoginFailedError:
        """What a KDC or the library says, as ours; a wrong password is told from all else."""
        minor = (error.min_code + (1 << 31)) % (1 << 32) - (1 << 31)
        if minor in _WRONG_PASSWORD:
            return LoginRefusedError(said_by(error), of_password=True)
        said = "the Kerberos ticket has ended" if _is_expiry(error) else said_by(error)
        if self._password:
            return LoginFailedError(said)
        source = f"keytab {self._keytab}" if self._keytab else f"ticket cache {self._cache or 'of the environment'}"
        return LoginFailedError(f"{said} ({source})")


def _is_expiry(error: "GSSError") -> bool:
    from gssapi.exceptions import ExpiredCredentialsError

    return isinstance(error, ExpiredCredentialsError)


def said_by(error: "GSSError") -> str:
    """What the library says of an error, printable and short: the minor status names the cause, if there is one."""
    words = str(error).rpartition("): ")[2].strip("\0")
    return f"Kerberos: {printable(words.encode(), 120)}"
