"""Reads the files of users: Apache's htpasswd for Basic, and htdigest for Digest.

An htdigest line is `user:realm:hash`. The length of the hash tells its algorithm: 32 hexadecimal digits are MD5, which
Apache writes too, and 64 are SHA-256. Never writes. Errors name the file and the line, and quote nothing of a hash.
"""

import shlex
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.files.read import read_whole
from licensegate.files.watch import FileWatch
from licensegate.records.secret import Secret

from .credentials import USER_CHARACTERS
from .digest_hash import ALGORITHMS, usable_digests
from .password_hash import SLOW_SECONDS, HashError, PasswordHash, read_hash
from .scheme import Scheme
from .users import Users

USER_FILE_BYTES: Final = 1 << 20
"""The largest file of users: about 14,000 of them."""

_MIN_KEY_BYTES: Final = 32
_SCHEME_BY_DIGITS: Final = {algorithm.hex_digits: scheme for scheme, algorithm in ALGORITHMS.items()}


class LoginFileError(Exception):
    """A file that logins need cannot be used. `str()` is one line: the file, its line, the fault, what to change.

    `line` is the number of the faulty line, counted from 1; 0 if the fault is not in a line.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class HtDigestLine(Struct, frozen=True):
    """One line of an htdigest file."""

    user: str
    realm: str
    scheme: Scheme
    ha1: str

    def __repr__(self) -> str:
        return f"HtDigestLine({self.user!r}, {self.realm!r}, {self.scheme})"


def watch_users(htpasswd: Path | None, htdigest: Path | None, realm: str) -> FileWatch[Users]:
    """Read the files and notice when they change. Raises LoginFileError, here and when they are read again."""
    return FileWatch(partial(read_users, htpasswd, htdigest, realm), filter(None, (htpasswd, htdigest)))


def read_users(htpasswd: Path | None, htdigest: Path | None, realm: str) -> Users:
    """Read the files; None for a file that there is not. Raises LoginFileError."""
    passwords = {} if htpasswd is None else read_htpasswd(htpasswd)
    lines = [] if htdigest is None else read_htdigest(htdigest)
    ha1: dict[Scheme, dict[str, str]] = {scheme: {} for scheme in ALGORITHMS}
    for line in lines:
        if line.realm == realm:
            ha1[line.scheme][line.user] = line.ha1
    notes: list[str] = []
    if htpasswd is not None:
        notes += _notes_on_passwords(htpasswd, passwords)
    if htdigest is not None:
        notes += _notes_on_digests(htdigest, lines, ha1, realm)
    return Users(passwords, ha1, tuple(notes))


def read_htpasswd(path: Path) -> dict[str, PasswordHash]:
    """Read an htpasswd file: lines `user:hash`. What follows another colon is a comment. Raises LoginFileError."""
    users: dict[str, PasswordHash] = {}
    for number, line in _lines_of(path):
        user, colon, rest = line.partition(":")
        _check(path, number, user, bool(colon))
        if user in users:
            raise _fault(path, number, f"{user} has two lines; remove one of them")
        stored, _, more = rest.partition(":")
        try:
            users[user] = read_hash(stored)
        except HashError as error:
            if _scheme_of_ha1(more.partition(":")[0]) is not None:
                raise _fault(path, number, "this line is of an htdigest file; name the file in auth.htdigest") from None
            raise _fault(path, number, f"{_field(2, line)}{error}") from None
    return users


def read_htdigest(path: Path) -> list[HtDigestLine]:
    """Read an htdigest file: lines `user:realm:hash`, of any realm. What follows another colon is a comment.

    Raises LoginFileError.
    """
    found: list[HtDigestLine] = []
    seen = set()
    for number, line in _lines_of(path):
        user, _, rest = line.partition(":")
        realm, colon, rest = rest.partition(":")
        _check(path, number, user, bool(colon))
        ha1 = rest.partition(":")[0]
        scheme = _scheme_of_ha1(ha1)
        if scheme is None:
            raise _fault(
                path,
                number,
                f"{_field(3, line)}what follows the realm is neither 32 nor 64 hexadecimal digits; "
                "write the line with `licensegate passwd`",
            )
        if (user, realm, scheme) in seen:
            raise _fault(path, number, f"{user} has two lines; remove one of them")
        seen.add((user, realm, scheme))
        found.append(HtDigestLine(user, realm, scheme, ha1.lower()))
    return found


def _scheme_of_ha1(text: str) -> Scheme | None:
    """Return the Digest algorithm of an HA1, by its length; None if the text cannot be an HA1."""
    is_hex = all(digit in "0123456789abcdef" for digit in text.lower())
    return _SCHEME_BY_DIGITS.get(len(text)) if is_hex else None


def _field(number: int, line: str) -> str:
    """Name the faulty field of a line with more fields than it needs, to put before the fault."""
    fields = line.count(":") + 1
    return f"in field {number} of {fields}, " if fields > number else ""


def read_nonce_key(path: Path) -> Secret:
    """Read the key that gates share, without the white space around it. Raises LoginFileError."""
    key = _read(path).strip()
    if len(key) < _MIN_KEY_BYTES:
        make = "make one with `openssl rand -hex 32`"
        raise LoginFileError(f"{path}: holds {len(key)} bytes, too few for a key ({_MIN_KEY_BYTES}); {make}")
    return Secret(key)


def _lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, counted from 1, except comments and empty lines. Raises LoginFileError."""
    for number, raw in enumerate(_read(path).split(b"\n"), 1):
        try:
            line = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise _fault(path, number, "not text in UTF-8; save the file as UTF-8") from None
        if line.strip() and not line.startswith("#"):
            yield number, line


def _read(path: Path) -> bytes:
    try:
        return read_whole(path, USER_FILE_BYTES)
    except OSError as error:
        raise LoginFileError(f"{path}: {error.strerror}; let the gate read it, or name another file") from None


def user_fault(user: str) -> str:
    """Return why this cannot be the name of a user; empty if it can."""
    if not user:
        return "the user is empty"
    if len(user) > USER_CHARACTERS:
        return f"the user has more than {USER_CHARACTERS} characters"
    if ":" in user or user.startswith("#") or not user.isprintable():
        return "the user name begins with #, or contains a colon or an unprintable character"
    return ""


def realm_fault(realm: str) -> str:
    """Return why this cannot be a realm; empty if it can. Challenges quote it, htdigest has it as a field."""
    if not realm or not realm.isascii() or not realm.isprintable() or any(sign in realm for sign in '":\\'):
        return "a realm is plain letters, without quotes, colons or backslashes"
    return ""


def _check(path: Path, number: int, user: str, separated: bool) -> None:
    fault = user_fault(user) if separated else "a colon is missing"
    if fault:
        raise _fault(path, number, f"{fault}; write the line with `licensegate passwd`")


def _fault(path: Path, number: int, what: str) -> LoginFileError:
    return LoginFileError(f"{path}, line {number}: {what}", number)


def _notes_on_passwords(path: Path, passwords: dict[str, PasswordHash]) -> Iterator[str]:
    if not passwords:
        yield f"{path}: holds no user; add one with `licensegate passwd`"
    slow = {user: stored for user, stored in passwords.items() if stored.seconds >= SLOW_SECONDS}
    for user, stored in slow.items():
        yield f"{path}: the password of {user} takes about {stored.seconds:.1f} s to check ({stored.kind})"


def _notes_on_digests(
    path: Path, lines: list[HtDigestLine], ha1: dict[Scheme, dict[str, str]], realm: str
) -> Iterator[str]:
    everybody = set().union(*ha1.values())
    if not everybody:
        others = sorted(Counter(line.realm for line in lines))
        there = f", but of {' and '.join(map(repr, others))}" if others else ""
        command = f"licensegate passwd --realm {shlex.quote(realm)}"
        yield f"{path}: holds no user of the realm {realm!r}{there}; add one with `{command}`"
        return
    for scheme, algorithm in ALGORITHMS.items():
        without = sorted(everybody - ha1[scheme].keys())
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            yield f"{path}: {without[0]}{more} has no hash for {scheme}, so it is not offered: {algorithm.if_missing}"
    for scheme in ha1.keys() - set(usable_digests()):
        if ha1[scheme]:
            yield f"{path}: this system does not allow {ALGORITHMS[scheme].name}, so {scheme} is not offered"
