"""The login of a client at the gate, for the rounds through its listeners: challenge in, credentials out."""

from collections.abc import Iterable

from msgspec import Struct

from licensegate.allowlist.target import Target
from licensegate.proxy.parent.logins import describe_offers, pick_challenge
from licensegate.proxy.parent.protocol.basic import BasicLogin
from licensegate.proxy.parent.protocol.challenges import read_challenges
from licensegate.proxy.parent.protocol.digest import DigestLogin
from licensegate.proxy.parent.protocol.scheme import LoginFailedError, LoginRefusedError, ParentScheme
from licensegate.records.secret import Secret


class ClientLogin(Struct, frozen=True):
    """A user of the gate, and the password."""

    user: str
    password: Secret


def authorization(login: ClientLogin, challenges: Iterable[str], target: Target) -> str:
    """The value of Proxy-Authorization for the strongest challenge that can be answered; empty if none can."""
    offered = read_challenges(value.encode("latin-1", "replace") for value in challenges)
    password = login.password.raw.decode()
    try:
        if digest := pick_challenge(ParentScheme.DIGEST, offered):
            return DigestLogin(login.user, password, str(target)).answer(digest)
        if basic := pick_challenge(ParentScheme.BASIC, offered):
            return BasicLogin(login.user, password).answer(basic)
    except (LoginFailedError, LoginRefusedError):
        return ""
    return ""


def offers(challenges: Iterable[str]) -> str:
    """What the gate offers, in words."""
    return describe_offers(read_challenges(value.encode("latin-1", "replace") for value in challenges))
