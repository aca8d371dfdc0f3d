"""Chooses the login for a parent's challenges: the strongest scheme that the settings make possible."""

from collections.abc import Iterable, Sequence

from licensegate.records.text import printable

from .negotiate import NegotiateLogin
from .protocol import digest
from .protocol.basic import BasicLogin
from .protocol.challenges import Challenge
from .protocol.digest import DigestLogin
from .protocol.ntlm import NtlmLogin
from .protocol.scheme import Login, ParentScheme
from .settings import ParentAuth, ParentLogin
from .tickets import Tickets, kerberos_is_installed


def usable_schemes(login: ParentLogin) -> list[ParentScheme]:
    """The schemes that `auto` can use with these settings, the strongest first; empty for `none`."""
    if login.auth is ParentAuth.NONE:
        return []
    schemes = []
    has_tickets = login.keytab or login.ticket_cache or (login.has_password and "@" in login.username)
    if has_tickets and kerberos_is_installed():
        schemes.append(ParentScheme.NEGOTIATE)
    if login.username and login.has_password:
        schemes += [ParentScheme.DIGEST, ParentScheme.NTLM, ParentScheme.BASIC]
    return schemes


def pick_challenge(scheme: ParentScheme, challenges: Iterable[Challenge]) -> Challenge | None:
    """The challenge to answer with this scheme: the strongest for Digest, else the first."""
    offered = [challenge for challenge in challenges if challenge.scheme == scheme]
    if scheme is not ParentScheme.DIGEST:
        return offered[0] if offered else None
    ranked = [(rank, challenge) for challenge in offered if (rank := digest.strength(challenge)) is not None]
    return min(ranked, key=lambda entry: entry[0])[1] if ranked else None


def start_login(scheme: ParentScheme, user: str, password: str, tickets: Tickets, parent: str, authority: str) -> Login:
    """A login to the host `parent`, for a tunnel to `authority`."""
    match scheme:
        case ParentScheme.BASIC:
            return BasicLogin(user, password)
        case ParentScheme.DIGEST:
            return DigestLogin(user, password, authority)
        case ParentScheme.NTLM:
            return NtlmLogin(user, password, parent)
        case ParentScheme.NEGOTIATE:
            return NegotiateLogin(tickets, password, parent)


def describe_offers(challenges: Sequence[Challenge]) -> str:
    """What a parent offers, for an error message."""
    names = dict.fromkeys(map(_name, challenges[:8]))
    return f"it offers {', '.join(names)}" if names else "it names no way to log in"


def _name(challenge: Challenge) -> str:
    algorithm = f" {digest.algorithm(challenge)}" if challenge.scheme == ParentScheme.DIGEST else ""
    return printable(f"{challenge.scheme}{algorithm}".encode("latin-1"), 40)
