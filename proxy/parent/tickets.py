"""Kerberos tickets from the system's GSSAPI (RFC 2744): fetched with a keytab or a password, or read from a cache.

Fetched tickets stay in memory until they expire. All calls may wait for a KDC, so make them in a thread. python-gssapi
need not be installed (docs/parents.md) and is imported only when needed.
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
"""The mechanism that the credentials are used with: it negotiates Kerberos (RFC 4178)."""

_KERBEROS: Final = "1.2.840.113554.1.2.2"

_MIN_LIFETIME_SECONDS: Final = 60
"""A ticket that expires sooner counts as expired: clocks differ."""

_DISCARD_SECONDS: Final = 300
"""The least time between two fetches after rejections: the last fresh ticket was rejected too."""

_WRONG_PASSWORD: Final = frozenset({-1765328360, -1765328353})
"""KRB5KDC_ERR_PREAUTH_FAILED and KRB5KRB_AP_ERR_BAD_INTEGRITY of krb5.h."""

_Store: TypeAlias = dict[bytes | str, bytes | str]

_caches = itertools.count(1)


def kerberos_is_installed() -> bool:
    """Whether python-gssapi is installed."""
    return importlib.util.find_spec("gssapi") is not None


class Tickets:
    """The tickets of one account. `user` is its principal; empty means the one in the keytab or cache.

    Without keytab and password, the tickets are read from `cache`, by default the cache that `KRB5CCNAME` names, and
    another program renews them.
    """

    def __init__(self, user: str, keytab: Path | None, cache: str) -> None:
        self._user = user
        self._keytab = keytab
        self._cache = cache
        self._memory = ""
        self._password = ""
        self._discarded = -float(_DISCARD_SECONDS)
        self._lock = threading.Lock()

    def credentials(self, password: str) -> "Credentials":
        """Credentials for a security context. Raises LoginRefusedError, LoginFailedError or GSSError."""
        from gssapi.raw.misc import GSSError

        with self._lock:
            try:
                store = self._ticket_store(password)
                self._acquire(_KERBEROS, store).lifetime  # noqa: B018 - raises if expired
            except GSSError as error:
                raise self._login_error(error) from None
            return self._acquire(SPNEGO, store)

    def discard(self) -> bool:
        """Forget the fetched tickets, which a parent rejected. Returns whether fetching new ones may help."""
        with self._lock:
            now = time.monotonic()
            if not self._memory or now - self._discarded < _DISCARD_SECONDS:
                return False
            self._discarded = now
            self._memory = ""
            return True

    def _ticket_store(self, password: str) -> _Store:
        """Where the tickets are; fetches them first if there are none or they expire."""
        if self._keytab is None and not password:
            return {"ccache": self._cache} if self._cache else {}
        if not self._memory or password != self._password or not self._are_valid():
            self._memory = f"MEMORY:licensegate-{next(_caches)}"
            self._password = password
            if password:
                self._fetch(password)
        store: _Store = {"ccache": self._memory}
        return store if self._keytab is None else store | {"client_keytab": f"FILE:{self._keytab}"}

    def _are_valid(self) -> bool:
        """Whether the tickets in memory are valid for a while."""
        from gssapi.raw.misc import GSSError

        try:
            return (self._acquire(_KERBEROS, {"ccache": self._memory}).lifetime or 0) > _MIN_LIFETIME_SECONDS
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

    def _login_error(self, error: "GSSError") -> LoginRefusedError | LoginFailedError:
        """The error of a KDC or the library as LoginRefusedError for a wrong password, else LoginFailedError."""
        minor = (error.min_code + (1 << 31)) % (1 << 32) - (1 << 31)
        if minor in _WRONG_PASSWORD:
            return LoginRefusedError(describe_error(error), wrong_password=True)
        detail = "the Kerberos ticket has ended" if _is_expiry(error) else describe_error(error)
        if self._password:
            return LoginFailedError(detail)
        source = f"keytab {self._keytab}" if self._keytab else f"ticket cache {self._cache or 'of the environment'}"
        return LoginFailedError(f"{detail} ({source})")


def _is_expiry(error: "GSSError") -> bool:
    from gssapi.exceptions import ExpiredCredentialsError

    return isinstance(error, ExpiredCredentialsError)


def describe_error(error: "GSSError") -> str:
    """The library's words for an error, printable and short: those of the minor status, if there is one."""
    words = str(error).rpartition("): ")[2].strip("\0")
    return f"Kerberos: {printable(words.encode(), 120)}"
