"""Digest (RFC 7616), the client's side: `qop=auth`, or no qop for parents that know only RFC 2069."""

import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from ...auth.digest_hash import md5, md5_works, sha_256
from .challenges import Challenge
from .scheme import LoginFailedError, LoginRefusedError, ParentScheme

_COUNT: Final = "00000001"
"""The nonce count: each nonce is used once."""

_MAX_STALE: Final = 2
"""How many nonces in a row a parent may call stale."""

_HASHES: Final[dict[str, Callable[[bytes], str]]] = {"sha-256": sha_256, "md5": md5}
_STRONGEST_FIRST: Final = ("sha-256", "sha-256-sess", "md5", "md5-sess")


def algorithm(challenge: Challenge) -> str:
    """The algorithm of a challenge, in lower case; MD5 if it names none."""
    return challenge.parameters.get("algorithm", "MD5").lower()


def strength(challenge: Challenge) -> int | None:
    """The rank of a challenge, 0 for the strongest; None if the gate cannot answer it."""
    wanted = algorithm(challenge)
    if (
        challenge.scheme != ParentScheme.DIGEST
        or wanted not in _STRONGEST_FIRST
        or not challenge.parameters.get("nonce")
    ):
        return None
    if wanted.startswith("md5") and not md5_works():
        return None
    return _STRONGEST_FIRST.index(wanted) if _qop(challenge) is not None else None


def response(challenge: Challenge, user: str, password: str, cnonce: str, method: str, uri: str) -> str:
    """The `response` parameter, for a challenge that has a `strength` (RFC 7616 section 3.4.1)."""
    nonce, wanted = challenge.parameters["nonce"], algorithm(challenge)
    digest = _HASHES[wanted.removesuffix("-sess")]
    realm = challenge.parameters.get("realm", "").encode("latin-1")
    ha1 = digest(b":".join((user.encode(), realm, password.encode())))
    if wanted.endswith("-sess"):
        ha1 = digest(f"{ha1}:{nonce}:{cnonce}".encode("latin-1"))
    ha2 = digest(f"{method}:{uri}".encode())
    count = f"{_COUNT}:{cnonce}:auth:" if _qop(challenge) else ""
    return digest(f"{ha1}:{nonce}:{count}{ha2}".encode("latin-1"))


def credentials(challenge: Challenge, user: str, password: str, authority: str, cnonce: str) -> str:
    """The value of Proxy-Authorization for a CONNECT to `authority` (RFC 7616 section 3.4)."""
    parameters = challenge.parameters
    proof = response(challenge, user, password, cnonce, "CONNECT", authority)
    parts = [
        _user(user),
        f"realm={_quoted(parameters.get('realm', ''))}",
        f"nonce={_quoted(parameters['nonce'])}",
        f'uri="{authority}"',
        f'response="{proof}"',
    ]
    if "algorithm" in parameters:
        parts.append(f"algorithm={parameters['algorithm']}")
    if _qop(challenge):
        parts += ["qop=auth", f"nc={_COUNT}"]
    if _qop(challenge) or algorithm(challenge).endswith("-sess"):
        parts.append(f'cnonce="{cnonce}"')
    if "opaque" in parameters:
        parts.append(f"opaque={_quoted(parameters['opaque'])}")
    return "Digest " + ", ".join(parts)


class DigestLogin:
    """Answers each challenge with a new client nonce; sends nothing before the first."""

    scheme = ParentScheme.DIGEST
    blocks = False

    def __init__(self, user: str, password: str, authority: str) -> None:
        self._user = user
        self._password = password
        self._authority = authority
        self._answered = 0

    def answer(self, challenge: Challenge | None) -> str:
        """The response to the challenge; see `Login`."""
        if challenge is None:
            return ""
        stale = challenge.parameters.get("stale", "").lower() == "true"
        if self._answered and not (stale and self._answered <= _MAX_STALE):
            raise LoginRefusedError(wrong_password=True)
        self._answered += 1
        if strength(challenge) is None:
            raise LoginFailedError(f"it wants Digest with {algorithm(challenge)}, which the gate does not support")
        return credentials(challenge, self._user, self._password, self._authority, secrets.token_hex(16))


def _qop(challenge: Challenge) -> str | None:
    """The quality of protection to answer with: "auth", "" if the challenge names none, None if only others."""
    offered = challenge.parameters.get("qop")
    if not offered:
        return ""
    return "auth" if "auth" in (option.strip(" \t").lower() for option in offered.split(",")) else None


def _user(user: str) -> str:
    """The username parameter, in its extended form if not ASCII (RFC 7616 section 3.4, RFC 8187)."""
    return f"username={_quoted(user)}" if user.isascii() else f"username*=UTF-8''{quote(user, safe='')}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
