"""Digest (RFC 7616) with `qop=auth`: the client proves that it knows the password, and the gate checks it at once.

The answer to a challenge comes on another connection: the nonce links the two. No I/O.
"""

import hmac
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from licensegate.allowlist.clients import Identity
from licensegate.allowlist.target import Target, TargetError, parse_authority
from licensegate.records.record import LoginResult
from licensegate.records.secret import Secret

from .credentials import CredentialsError, check_user, decode_text, read_parameters
from .digest_hash import ALGORITHMS
from .login_scheme import LoginContext
from .request import AuthRequest
from .result import Admitted, AuthResult, Rejected, not_offered, wrong_login
from .scheme import BY_CHALLENGE, DIGESTS, Scheme

_METHOD: Final = "CONNECT"
_SCHEME_OF: Final = {algorithm.name: scheme for scheme, algorithm in ALGORITHMS.items()}
_REQUIRED: Final = (b"realm", b"nonce", b"uri", b"response", b"cnonce", b"nc", b"qop")
_COUNT: Final = re.compile(rb"[0-9A-Fa-f]{8}")
_HEX: Final = re.compile(rb"[0-9A-Fa-f]+")
_ESCAPED: Final = re.compile(r'(?:[^\\]|\\["\\])*')  # no client escapes what need not be
_EXTENDED: Final = re.compile(rb"(?i:utf-8)'[A-Za-z0-9-]*'((?:[!#$&+\-.^_`|~0-9A-Za-z]|%[0-9A-Fa-f]{2})*)")  # RFC 8187


class DigestCredentials(Struct, frozen=True):
    """The parameters of a Digest login (RFC 7616 section 3.4), unquoted; `response` in lower case.

    Most stay bytes because the response was computed over bytes. `count` is the nonce count, `count_text` as sent.
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


def read_digest(text: bytes, *, verbatim: bool = False) -> DigestCredentials:
    """Read what follows the word Digest; `verbatim` as in `read_parameters`. Raises CredentialsError."""
    parameters = read_parameters(text, verbatim=verbatim)
    for name in _REQUIRED:
        if name not in parameters:
            raise CredentialsError(f"it has no {name.decode()}")
    if parameters.get(b"userhash", b"false").lower() != b"false":
        raise CredentialsError("its user name is hashed, which was not offered")
    if parameters[b"qop"].lower() != b"auth":
        raise CredentialsError("its qop is not auth")
    if not _COUNT.fullmatch(parameters[b"nc"]):
        raise CredentialsError("its nc is not 8 hexadecimal digits")
    if not _HEX.fullmatch(parameters[b"response"]):
        raise CredentialsError("its response is not hexadecimal")
    user = decode_text(_read_user(parameters))
    check_user(user)
    return DigestCredentials(
        user=user,
        realm=parameters[b"realm"],
        nonce=parameters[b"nonce"],
        uri=parameters[b"uri"],
        algorithm=decode_text(parameters.get(b"algorithm", b"MD5")).upper(),
        response=Secret(parameters[b"response"].lower()),
        cnonce=parameters[b"cnonce"],
        count=int(parameters[b"nc"], 16),
        count_text=parameters[b"nc"],
    )


def _read_user(parameters: dict[bytes, bytes]) -> bytes:
    """Return `username`, or `username*` if it is not ASCII (RFC 7616 section 3.4)."""
    plain, extended = parameters.get(b"username"), parameters.get(b"username*")
    if (plain is None) == (extended is None):
        raise CredentialsError("it has no username, or two")
    if plain is not None:
        return plain
    encoded = _EXTENDED.fullmatch(extended or b"")
    if encoded is None:
        raise CredentialsError("its username* is not in the form of RFC 8187, in UTF-8")
    return unquote_to_bytes(encoded.group(1))


def challenge(scheme: Scheme, realm: str, nonce: str, *, stale: bool) -> str:
    """Return the value of one Proxy-Authenticate field."""
    algorithm = ALGORITHMS[scheme].name
    value = f'Digest realm="{realm}", qop="auth", algorithm={algorithm}, nonce="{nonce}", charset="UTF-8"'
    return f"{value}, stale=true" if stale else value


def response(scheme: Scheme, ha1: str, method: str, sent: DigestCredentials) -> bytes:
    """Return the response of a client that knows the password with this HA1 (RFC 7616 section 3.4.1)."""
    digest = ALGORITHMS[scheme].hash
    ha2 = digest(method.encode() + b":" + sent.uri)
    parts = (ha1.encode(), sent.nonce, sent.count_text, sent.cnonce, b"auth", ha2.encode())
    return digest(b":".join(parts)).encode()


def is_right(scheme: Scheme, ha1: str, method: str, sent: DigestCredentials) -> bool:
    """Tell whether the client knows the password with this HA1. Takes as long either way."""
    return hmac.compare_digest(response(scheme, ha1, method, sent), sent.response.raw)


class Digest:
    """Digest at one listener, by each algorithm that is enabled there."""

    auth_scheme = "digest"
    if_unanswered = "Digest was offered, so it has no login to send, or cannot send any"

    def __init__(self, context: LoginContext) -> None:
        self.offered = _offered(context)
        self._realm = context.realm
        self._users = context.users
        self._nonces = context.nonces
        self._replays = context.state.nonce_replay_cache

    def challenges(self, client: str, *, stale: bool) -> tuple[str, ...]:
        """Return one challenge per algorithm, all with the same new nonce."""
        if not self.offered:
            return ()
        nonce = self._nonces.make(client)
        return tuple(challenge(scheme, self._realm, nonce, stale=stale) for scheme in self.offered)

    def check(self, request: AuthRequest, credentials: bytes) -> AuthResult:
        """Check the response before the nonce: only a client that knows the password learns that its nonce is stale.

        See RFC 7616 section 3.3.
        """
        sent = read_digest(credentials)
        scheme = _SCHEME_OF.get(sent.algorithm)
        if scheme is None or scheme not in self.offered:
            return not_offered("digest" if scheme is None else scheme)
        sent = self._as_meant(scheme, sent, credentials)
        if sent.realm != self._realm.encode():
            return Rejected(LoginResult.UNUSABLE, "it is for another realm", scheme=scheme)
        if not _names(sent.uri, request.target):
            return Rejected(LoginResult.UNUSABLE, "its uri is not the target of the request", scheme=scheme)
        ha1, known = self._users.ha1_of(scheme, sent.user)
        if not (is_right(scheme, ha1, _METHOD, sent) and known):
            return wrong_login(scheme, sent.user, known=known)
        made = self._nonces.made_at(sent.nonce, request.client)
        if made is None:
            return Rejected(LoginResult.STALE, "its nonce is too old", scheme=scheme, user=sent.user)
        if not self._replays.is_new(sent.nonce, made, sent.count):
            return Rejected(LoginResult.REPLAYED, "its nonce was used already", scheme=scheme, user=sent.user)
        return Admitted(Identity(sent.user, request.certificate), scheme)

    def _as_meant(self, scheme: Scheme, sent: DigestCredentials, credentials: bytes) -> DigestCredentials:
        """Return the credentials with their backslashes read as the client meant them.

        Java sends `CORP\\svc` without escaping it, which reads `CORPsvc`. If only the other reading is a known user,
        that one counts, for every parameter. If neither is, the record shows the name as it was typed.
        """
        if b"\\" in credentials and not self._users.ha1_of(scheme, sent.user)[1]:
            verbatim = read_digest(credentials, verbatim=True)
            if self._users.ha1_of(scheme, verbatim.user)[1] or not _ESCAPED.fullmatch(verbatim.user):
                return verbatim
        return sent


def _offered(context: LoginContext) -> tuple[Scheme, ...]:
    """Return the enabled algorithms that every user has a hash for.

    If there are none and no other scheme can be offered, return all enabled ones.
    """
    enabled = tuple(scheme for scheme in DIGESTS if scheme in context.enabled)
    complete = tuple(scheme for scheme in enabled if scheme in context.users.digests)
    others = context.enabled & BY_CHALLENGE.difference(DIGESTS)
    return complete if complete or others else enabled


def _names(uri: bytes, target: Target) -> bool:
    """Tell whether a Digest's uri is the request's target, in authority-form as stock Java sends it."""
    try:
        return parse_authority(uri) == target
    except TargetError:
        return False
