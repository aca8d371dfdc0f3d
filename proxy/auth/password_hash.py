"""The password hashes of an htpasswd file: bcrypt, SHA-crypt and Apache's own MD5 (apr1), checked by libpass.

A check is slow on purpose, so it never runs in the event loop; its time is estimated from the cost in the hash. Other
kinds are refused: they are unsalted or plain text, so a leaked file reveals the passwords. No I/O.
"""

import enum
import functools
import hashlib
import re
from typing import Any, Final

from licensegate.records.secret import Secret

BCRYPT_COST: Final = 10
"""The cost of new hashes: a check takes 0.05 to 0.1 s."""

SLOW_SECONDS: Final = 0.25
"""A slower hash causes a warning at the start: eight checks a second keep both of the gate's threads busy."""

LONGEST_PASSWORD: Final = 72
"""In bytes; bcrypt ignores the rest."""

LONGEST_CHECK_SECONDS: Final = 3.0
_BCRYPT_SECONDS: Final = 0.07  # at a cost of 10, doubled with each further one
_SHA_CRYPT_SECONDS: Final = 1e-6  # a round
_APR1_SECONDS: Final = 5e-4
_READ_OF_PASSWORD: Final = 1024  # bytes; SHA-crypt takes longer for longer passwords

_FORMS: Final = re.compile(
    r"(?P<bcrypt>\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{22})[./A-Za-z0-9]{31}"
    r"|(?P<sha>\$(?P<size>[56])\$(?:rounds=(?P<rounds>[1-9][0-9]{0,8})\$)?[!-#%-9;-~]{0,16}\$)[./A-Za-z0-9]{43,86}"
    r"|(?P<apr1>\$apr1\$[!-#%-9;-~]{0,8}\$)[./A-Za-z0-9]{22}"
)
_SHA_CRYPT_ROUNDS: Final = 5000  # where the hash names none


class HashError(ValueError):
    """A hash cannot be used. `str()` says why and what to do, and repeats nothing of the hash."""


class Kind(enum.StrEnum):
    """How a password was hashed."""

    BCRYPT = "bcrypt"
    SHA_256_CRYPT = "SHA-256-crypt"
    SHA_512_CRYPT = "SHA-512-crypt"
    APR1 = "apr1"


class PasswordHash:
    """One stored hash: its `kind`, its text, and about how many `seconds` checking a password takes."""

    __slots__ = ("_settings", "kind", "seconds", "text")

    def __init__(self, kind: Kind, settings: str, text: str, seconds: float) -> None:
        self.kind = kind
        self.seconds = seconds
        self.text = Secret(text.encode("ascii"))
        self._settings = settings

    def __repr__(self) -> str:
        return f"PasswordHash({self.kind})"

    def fits(self, password: bytes) -> bool:
        """Tell whether this is the hash of the password. Takes `seconds`, releases the GIL, never raises."""
        read = password[: LONGEST_PASSWORD if self.kind is Kind.BCRYPT else _READ_OF_PASSWORD]
        try:
            right = bool(_handlers()[self.kind].verify(read, self.text.raw.decode("ascii")))
        except ValueError:
            return False
        return right and len(password) <= _READ_OF_PASSWORD

    def dummy(self) -> "PasswordHash":
        """Return a hash that takes as long to check and fits no password that can be found."""
        text = self.text.raw.decode("ascii")
        return PasswordHash(self.kind, self._settings, self._settings.ljust(len(text), "."), self.seconds)


def read_hash(text: str) -> PasswordHash:
    """Read a hash of an htpasswd file. Raises HashError."""
    found = _FORMS.fullmatch(text)
    if found is None:
        raise HashError("the hash is neither bcrypt nor SHA-crypt nor apr1; give the user a new password")
    if found["bcrypt"]:
        kind, seconds = Kind.BCRYPT, _BCRYPT_SECONDS * 2.0 ** (int(found["cost"]) - BCRYPT_COST)
    elif found["sha"]:
        kind = Kind.SHA_256_CRYPT if found["size"] == "5" else Kind.SHA_512_CRYPT
        seconds = _SHA_CRYPT_SECONDS * int(found["rounds"] or _SHA_CRYPT_ROUNDS)
    else:
        kind, seconds = Kind.APR1, _APR1_SECONDS
    if seconds > LONGEST_CHECK_SECONDS:
        raise HashError(f"the hash takes about {seconds:.0f} s to check; give the user a new password")
    try:
        handler = _handlers()[kind]
        handler.from_string(text)
        if kind is Kind.APR1 and _md5_is_barred():
            raise ValueError("needs MD5, which this system does not allow")
    except ValueError as error:
        raise HashError(f"the hash cannot be used ({kind}: {error}); give the user a new password") from None
    return PasswordHash(kind, found["bcrypt"] or found["sha"] or found["apr1"], text, seconds)


def make_hash(password: str) -> str:
    """Return a new bcrypt hash. Raises ValueError for a password that bcrypt cannot take (see LONGEST_PASSWORD)."""
    made = _handlers()[Kind.BCRYPT].using(rounds=BCRYPT_COST, ident="2y").hash(password.encode())
    return str(made)


def _md5_is_barred() -> bool:
    """Tell whether MD5 is barred for passwords. For Digest it may still be allowed (see `digest_hash`)."""
    try:
        hashlib.md5(b"")  # noqa: S324  only to see whether it raises
    except ValueError:
        return True
    return False


@functools.cache
def _handlers() -> dict[Kind, Any]:
    # 0.1 s and 100 modules, needed only with a file of passwords
    from passlib.hash import apr_md5_crypt, bcrypt, sha256_crypt, sha512_crypt

    return {
        Kind.BCRYPT: bcrypt,
        Kind.SHA_256_CRYPT: sha256_crypt,
        Kind.SHA_512_CRYPT: sha512_crypt,
        Kind.APR1: apr_md5_crypt,
    }
