"""Reads what a client says in `Proxy-Authorization` (RFC 9110 section 11.7.2): Basic and Digest, strictly.

Judges nothing: whether a password is right is for others to say. Never raises anything but `CredentialsError`, whatever
the bytes, and never repeats in it what they were. No I/O.
"""

import binascii
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from licensegate.records.secret import Secret

from ..wire.tokens import TOKEN

_SCHEME: Final = re.compile(rb"(%b)(?: ++(.*))?" % TOKEN, re.DOTALL)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]++={0,2}")
_QUOTED: Final = rb'"((?:[\t\x20-\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*+)"'
_PARAMETER: Final = re.compile(rb"[\t ]*+(%b)[\t ]*+=[\t ]*+(?:(%b)|%b)[\t ]*+(?:,|\Z)" % (TOKEN, TOKEN, _QUOTED))
_EMPTY_ELEMENT: Final = re.compile(rb"[\t ]*+(?:,|\Z)")  # a list may hold some, RFC 9110 section 5.6.1.2
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_EXTENDED: Final = re.compile(rb"(?i:utf-8)'[A-Za-z0-9-]*'((?:[!#$&+\-.^_`|~0-9A-Za-z]|%[0-9A-Fa-f]{2})*)")  # RFC 8187
_CONTROLS: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f]")
_COUNT: Final = re.compile(rb"[0-9A-Fa-f]{8}")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]++")

_KNOWN_BY_NAME: Final = frozenset({"bearer", "hoba", "kerberos", "mutual", "negotiate", "ntlm", "oauth"})
_PARAMETERS_AT_MOST: Final = 32

USER_CHARACTERS: Final = 256
"""The longest name of a user, in a login and in a file of users."""

_OF_DIGEST: Final = (b"realm", b"nonce", b"uri", b"response", b"cnonce", b"nc", b"qop")


class CredentialsError(ValueError):
    """The credentials cannot be read. `str()` is one phrase that repeats nothing of them."""


class BasicCredentials(Struct, frozen=True):
    """A user and a password (RFC 7617), the password in UTF-8."""

    user: str
    password: Secret


class DigestCredentials(Struct, frozen=True):
    """The parameters of a Digest login (RFC 7616 section 3.4), unquoted; `response` in lower case.

    Most are kept as bytes, since the digest was made of bytes. `count` is the nonce count, `count_text` as it was
    written.
    """

    user: str
    realm: bytes
    nonce: bytes
    uri: bytes
    algorithm: str
    response: Secret
    cnonce: bytes
    count: int
    count_text: bytes


class OtherCredentials(Struct, frozen=True):
    """A login by a scheme that is not known here, such as NTLM.

    A `scheme` that has no name in the world either is called "unknown": it may be a password without any.
    """

    scheme: str


Credentials = BasicCredentials | DigestCredentials | OtherCredentials


def read_credentials(value: bytes) -> Credentials:
    """Read the value of one Proxy-Authorization field; raises CredentialsError."""
    found = _SCHEME.fullmatch(value)
    if found is None:
        raise CredentialsError("they do not begin with a scheme")
    scheme, rest = found.group(1).lower(), found.group(2) or b""
    if scheme == b"basic":
        return _basic(rest)
    if scheme == b"digest":
        return _digest(_parameters(rest))
    name = scheme.decode("ascii")
    return OtherCredentials(name if name in _KNOWN_BY_NAME else "unknown")


def _basic(token: bytes) -> BasicCredentials:
    """RFC 7617 section 2. Many clients encode in ISO-8859-1, Java among them, so what is not UTF-8 is read as that."""
    token = token.rstrip(b" \t")
    try:
        raw = binascii.a2b_base64(token, strict_mode=True) if _BASE64.fullmatch(token) else b""
    except binascii.Error:
        raw = b""
    user, colon, password = _text(raw).partition(":")
    if not colon:
        raise CredentialsError("they are not a user and a password, joined by a colon, in base64")
    _check_user(user)
    if _CONTROLS.search(password):
        raise CredentialsError("there is a control character in the password")
    return BasicCredentials(user, Secret(password.encode()))


def _digest(parameters: dict[bytes, bytes]) -> DigestCredentials:
    for name in _OF_DIGEST:
        if name not in parameters:
            raise CredentialsError(f"they have no {name.decode()}")
    if parameters.get(b"userhash", b"false").lower() != b"false":
        raise CredentialsError("the user is hashed, which was not offered")
    if parameters[b"qop"].lower() != b"auth":
        raise CredentialsError("their qop is not auth")
    if not _COUNT.fullmatch(parameters[b"nc"]):
        raise CredentialsError("their nc is not 8 hexadecimal digits")
    if not _HEX.fullmatch(parameters[b"response"]):
        raise CredentialsError("their response is not hexadecimal")
    user = _text(_user_of_digest(parameters))
    _check_user(user)
    return DigestCredentials(
        user=user,
        realm=parameters[b"realm"],
        nonce=parameters[b"nonce"],
        uri=parameters[b"uri"],
        algorithm=_text(parameters.get(b"algorithm", b"MD5")).upper(),
        response=Secret(parameters[b"response"].lower()),
        cnonce=parameters[b"cnonce"],
        count=int(parameters[b"nc"], 16),
        count_text=parameters[b"nc"],
    )


def _user_of_digest(parameters: dict[bytes, bytes]) -> bytes:
    """Who the client says it is: `username`, or `username*` if that is not ASCII (RFC 7616 section 3.4)."""
    plain, extended = parameters.get(b"username"), parameters.get(b"username*")
    if (plain is None) == (extended is None):
        raise CredentialsError("they have no username, or two")
    if plain is not None:
        return plain
    encoded = _EXTENDED.fullmatch(extended or b"")
    if encoded is None:
        raise CredentialsError("their username* is not in the form of RFC 8187, in UTF-8")
    return unquote_to_bytes(encoded.group(1))


def _parameters(text: bytes) -> dict[bytes, bytes]:
    """Parameters by their name in lower case (RFC 9110 section 11.2); a name that comes twice is refused."""
    parameters: dict[bytes, bytes] = {}
    place = 0
    while place < len(text):
        found = _PARAMETER.match(text, place)
        if found is None:
            empty = _EMPTY_ELEMENT.match(text, place)
            if empty is None:
                raise CredentialsError("their parameters cannot be told apart")
            place = empty.end()
            continue
        place = found.end()
        name, token, quoted = found.groups()
        if name.lower() in parameters:
            raise CredentialsError("they have a parameter twice")
        if len(parameters) == _PARAMETERS_AT_MOST:
            raise CredentialsError("they have too many parameters")
        parameters[name.lower()] = token if quoted is None else _unescaped(quoted)
    return parameters


def _unescaped(quoted: bytes) -> bytes:
    return _ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _check_user(user: str) -> None:
    if not user:
        raise CredentialsError("the user is empty")
    if len(user) > USER_CHARACTERS:
        raise CredentialsError(f"the user has more than {USER_CHARACTERS} characters")
    if _CONTROLS.search(user):
        raise CredentialsError("there is a control character in the user")
