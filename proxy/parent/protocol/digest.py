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

_MAX_STALE: Final = 3
"""How many nonces in a row a parent may call stale. Proxies behind one address may not know each other's nonces."""

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


def is_stale(challenge: Challenge) -> bool:
    """Whether the parent refuses the last nonce and not the password (RFC 7616 section 3.3)."""
    return challenge.parameters.get("stale", "").strip("\"' \t").lower() == "true"


def wants_extended_user(challenge: Challenge) -> bool:
    """Whether the parent knows RFC 7616's form of user names outside ASCII."""
    return challenge.parameters.get("charset", "").lower() == "utf-8"


def credentials(
    challenge: Challenge, user: str, password: str, authority: str, cnonce: str, *, extended_user: bool = False
) -> str:
    """The value of Proxy-Authorization for a CONNECT to `authority` (RFC 7616 section 3.4).

    `extended_user` sends a user name outside ASCII as `username*`.
    """
    parameters = challenge.parameters
    proof = response(challenge, user, password, cnonce, "CONNECT", authority)
    parts = [
        _user(user, extended=extended_user),
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
    """Answers each challenge with a new client nonce; sends nothing before the first.

    A user name outside ASCII is sent as UTF-8, which squid and most others compare by its bytes. It is sent as RFC 7616
    has it to a parent that asks for UTF-8, or refused the first form.
    """

    scheme = ParentScheme.DIGEST
    blocks = False

    def __init__(self, user: str, password: str, authority: str) -> None:
        self._user = user
        self._password = password
        self._authority = authority
        self._answered = False
        self._stale = 0
        self._extended_user = False

    def answer(self, challenge: Challenge | None) -> str:
        """The response to the challenge; see `Login`."""
        if challenge is None:
            return ""
        if self._answered:
            self._judge_refusal(challenge)
        self._answered = True
        if strength(challenge) is None:
            raise LoginFailedError(f"it wants Digest with {algorithm(challenge)}, which the gate does not support")
        extended = self._extended_user = self._extended_user or wants_extended_user(challenge)
        cnonce = secrets.token_hex(16)
        return credentials(challenge, self._user, self._password, self._authority, cnonce, extended_user=extended)

    def _judge_refusal(self, challenge: Challenge) -> None:
        """Return if the challenge can be answered once more. Raises LoginRefusedError or LoginFailedError."""
        if is_stale(challenge):
            self._stale += 1
            if self._stale > _MAX_STALE:
                raise LoginFailedError(
                    f"it called {self._stale} nonces stale, one after the other; proxies behind one address must know "
                    "each other's nonces"
                )
        elif self._user.isascii() or self._extended_user:
            raise LoginRefusedError(wrong_password=True)
        else:
            self._extended_user = True


def _qop(challenge: Challenge) -> str | None:
    """The quality of protection to answer with: "auth", "" if the challenge names none, None if only others."""
    offered = challenge.parameters.get("qop")
    if not offered:
        return ""
    return "auth" if "auth" in (option.strip(" \t").lower() for option in offered.split(",")) else None


def _user(user: str, *, extended: bool) -> str:
    """The username parameter, as UTF-8; if not ASCII on request in its extended form (RFC 8187)."""
    if extended and not user.isascii():
        return f"username*=UTF-8''{quote(user, safe='')}"
    return f"username={_quoted(user.encode().decode('latin-1'))}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
