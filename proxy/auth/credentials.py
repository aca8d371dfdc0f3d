"""Reads the parts of a Proxy-Authorization field that schemes share (RFC 9110 section 11), strictly.

Whatever the bytes, raises nothing but `CredentialsError`, which never contains them. No I/O.
"""

import re
from typing import Final

from ..wire.http_token import TOKEN

_AUTH_SCHEME: Final = re.compile(rb"(%b)(?: +(.*))?" % TOKEN, re.DOTALL)
_QUOTED: Final = rb'"((?:[\t\x20-\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*)"'
_PARAMETER: Final = re.compile(rb"[\t ]*(%b)[\t ]*=[\t ]*(?:(%b)|%b)[\t ]*(?:,|\Z)" % (TOKEN, TOKEN, _QUOTED))
_EMPTY_ELEMENT: Final = re.compile(rb"[\t ]*(?:,|\Z)")  # allowed in a list, RFC 9110 section 5.6.1.2
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_CONTROLS: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f]")

_REGISTERED: Final = frozenset({"bearer", "hoba", "kerberos", "mutual", "negotiate", "ntlm", "oauth"})
_MAX_PARAMETERS: Final = 32

USER_CHARACTERS: Final = 256
"""The longest user name, in a login and in a file of users."""


class CredentialsError(ValueError):
    """The credentials cannot be read. `str()` is one phrase that quotes nothing of them."""


def split_credentials(value: bytes) -> tuple[str, bytes]:
    """Return the auth-scheme of a Proxy-Authorization value, in lower case, and the rest. Raises CredentialsError."""
    found = _AUTH_SCHEME.fullmatch(value)
    if found is None:
        raise CredentialsError("it does not begin with a scheme")
    return found.group(1).lower().decode("ascii"), found.group(2) or b""


def name_of_unserved(auth_scheme: str) -> str:
    """Return the name to log for a scheme that the gate does not serve, such as NTLM.

    One that is not registered is logged as "unknown": it may be a password sent without a scheme.
    """
    return auth_scheme if auth_scheme in _REGISTERED else "unknown"


def read_parameters(text: bytes, *, verbatim: bool = False) -> dict[bytes, bytes]:
    """Return the unquoted parameters by name in lower case (RFC 9110 section 11.2).

    A backslash escapes the next character; with `verbatim` it stands for itself, as clients mean it that do not escape
    what they quote, such as Java. Raises CredentialsError, also for a name that comes twice.
    """
    parameters: dict[bytes, bytes] = {}
    position = 0
    while position < len(text):
        found = _PARAMETER.match(text, position)
        if found is None:
            empty = _EMPTY_ELEMENT.match(text, position)
            if empty is None:
                raise CredentialsError("its parameters are malformed")
            position = empty.end()
            continue
        position = found.end()
        name, token, quoted = found.groups()
        if name.lower() in parameters:
            raise CredentialsError("it has a parameter twice")
        if len(parameters) == _MAX_PARAMETERS:
            raise CredentialsError("it has too many parameters")
        parameters[name.lower()] = token if quoted is None else quoted if verbatim else _unescape(quoted)
    return parameters


def _unescape(quoted: bytes) -> bytes:
    return _ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted


def decode_text(raw: bytes) -> str:
    """Decode UTF-8, or else ISO-8859-1, which many clients send, Java among them."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def check_user(user: str) -> None:
    """Raise CredentialsError for a user name that nobody can have."""
    if not user:
        raise CredentialsError("the user is empty")
    if len(user) > USER_CHARACTERS:
        raise CredentialsError(f"the user has more than {USER_CHARACTERS} characters")
    check_no_controls(user, "user")


def check_no_controls(text: str, what: str) -> None:
    """Raise CredentialsError if there is a control character in the text; `what` names the text."""
    if _CONTROLS.search(text):
        raise CredentialsError(f"there is a control character in the {what}")
