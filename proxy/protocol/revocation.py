"""Which open tunnels may no longer be: asks again what admission asked, by the settings in force now. Pure.

Judged are the client's network, its user or certificate, and the rule. Not judged again are limits, which are for new
tunnels, a password that has changed, the target's addresses, and the checks of the first bytes.
"""

import enum
from collections.abc import Iterator, Mapping
from typing import Final

from licensegate.allowlist.clients import Identity

from ..settings import Revoke
from .admission import Granted
from .snapshot import Snapshot


class RevocationCause(enum.StrEnum):
    """What the client of an open tunnel lacks by now."""

    USER = "user"
    NETWORK = "network"
    LOGIN = "login"
    CERTIFICATE = "certificate"
    RULE = "rule"


REASONS: Final[Mapping[RevocationCause, str]] = {
    RevocationCause.USER: "its user was removed",
    RevocationCause.NETWORK: "its network may no longer use the gate",
    RevocationCause.LOGIN: "it would have to log in now",
    RevocationCause.CERTIFICATE: "its certificate is no longer accepted",
    RevocationCause.RULE: "no rule allows it any more",
}
"""The same in words, for the record."""

CAUSES: Final[Mapping[Revoke, frozenset[RevocationCause]]] = {
    Revoke.USERS: frozenset({RevocationCause.USER}),
    Revoke.ON_RELOAD: frozenset(RevocationCause),
    Revoke.OFF: frozenset(),
}
"""The causes for which each setting ends a tunnel."""


def why_not_allowed(
    snapshot: Snapshot, client: str, granted: Granted, causes: frozenset[RevocationCause]
) -> RevocationCause | None:
    """Return the first of these causes for which the tunnel would be refused now; None without one."""
    return next((cause for cause in _causes(snapshot, client, granted) if cause in causes), None)


def _causes(snapshot: Snapshot, client: str, granted: Granted) -> Iterator[RevocationCause]:
    identity: Identity | None = Identity(certificate=granted.identity.certificate)
    if snapshot.authenticator is not None:
        identity = snapshot.authenticator.readmit(client, granted.identity)
    if identity is None:
        yield RevocationCause.USER if granted.identity.user else RevocationCause.LOGIN
    if not snapshot.clients.admits(client):
        yield RevocationCause.NETWORK
    decision = snapshot.policy.decide(granted.target, client, identity or granted.identity)
    if not decision.allowed and not decision.reported:
        yield RevocationCause.RULE
