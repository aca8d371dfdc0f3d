"""Ends open tunnels before their time: those that are no longer allowed, and those that an operator chooses.

Looks at them in slices of time, so that many tunnels do not delay the others.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

from licensegate.allowlist.selection import TunnelSelection
from licensegate.app.overview.ended_tunnels import EndedTunnel
from licensegate.app.overview.slices import gathered
from licensegate.files.run_in_thread import run_in_thread
from licensegate.proxy.gate import Gate
from licensegate.proxy.protocol.revocation import CAUSES, REASONS, RevocationCause, why_not_allowed
from licensegate.proxy.protocol.states import State
from licensegate.proxy.settings import Revoke
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.outcome import Outcome

_GONE: Final = frozenset({State.CLOSED, State.LINGERING})

_log = logging.getLogger(__name__)

Choose: TypeAlias = Callable[[ClientConnection], str | None]
"""Returns why a connection must end, empty if only because it was chosen; None if it goes on."""


async def revoke_disallowed(gate: Gate, occasion: str, revoke: Revoke) -> list[EndedTunnel]:
    """End the tunnels that the settings in force no longer allow, as far as `revoke` says so."""
    causes = CAUSES[revoke]
    if not causes:
        return []
    return await _end(gate, await _judge(gate, causes), Outcome.REVOKED, occasion)


async def revoke_selected(
    gate: Gate, occasion: str, selection: TunnelSelection, *, not_allowed: bool = False, dry_run: bool = False
) -> list[EndedTunnel]:
    """End the tunnels that match; with `not_allowed` only those that would be refused now.

    With `dry_run`, only return them.
    """

    judge = await _judge(gate, frozenset(RevocationCause)) if not_allowed else _chosen

    def choose(one: ClientConnection) -> str | None:
        record, granted = one.conversation.record, one.conversation.granted
        if granted is None or record.event == "probe":
            return None
        return judge(one) if selection.matches(granted.target, record.client, granted.identity) else None

    return await _end(gate, choose, Outcome.REVOKED, occasion, dry_run=dry_run)


async def end_by_ids(gate: Gate, occasion: str, ids: Sequence[str]) -> tuple[list[EndedTunnel], list[str]]:
    """End the connections with these ids, in any state. Returns them, and the ids that no open connection has."""
    wanted = dict.fromkeys(ids)

    def choose(one: ClientConnection) -> str | None:
        return "" if one.conversation.record.id in wanted else None

    ended = await _end(gate, choose, Outcome.ENDED_BY_OPERATOR, occasion)
    found = {one.id for one in ended}
    return ended, [one for one in wanted if one not in found]


async def _end(
    gate: Gate, choose: Choose, outcome: Outcome, occasion: str, *, dry_run: bool = False
) -> list[EndedTunnel]:
    """End what is chosen. Returns it, the oldest first."""

    def chosen() -> Iterator[EndedTunnel | None]:
        for one in list(gate.connections):
            state = one.conversation.state  # it may have ended since the first slice
            reason = None if state in _GONE else choose(one)
            if reason is None:
                yield None
                continue
            ended = _ended_tunnel(one, reason)
            if not dry_run:
                gate.end(one, outcome, f"{reason}; {occasion}" if reason else occasion)
            yield ended

    return sorted((one for one in await gathered(chosen()) if one is not None), key=lambda one: one.id)


def _chosen(one: ClientConnection) -> str | None:
    """No reason but that it was chosen."""
    return ""


async def _judge(gate: Gate, causes: frozenset[RevocationCause]) -> Choose:
    """Return what says why a connection of a client is no longer allowed for one of these causes."""
    rejected = await _rejected(gate) if RevocationCause.CERTIFICATE in causes else frozenset()

    def why_not(one: ClientConnection) -> str | None:
        record, granted = one.conversation.record, one.conversation.granted
        if record.event == "probe":  # a look of the gate's own asks for no permission
            return None
        if rejected and one.conversation.identity.certificate and one.client_chain() in rejected:
            return REASONS[RevocationCause.CERTIFICATE]
        if granted is None:
            return None
        cause = why_not_allowed(gate.snapshot_for(record.listener), record.client, granted, causes)
        return None if cause is None else REASONS[cause]

    return why_not


async def _rejected(gate: Gate) -> frozenset[tuple[bytes, ...]]:
    """The chains of connected clients that the gate does not accept any more; judged in a thread."""
    identity = gate.snapshot.identity
    authorities = None if identity is None else identity.client_authorities
    connections = [one for one in gate.connections if one.conversation.identity.certificate]
    if authorities is None or not connections:
        return frozenset()
    chains = dict.fromkeys(await gathered(one.client_chain() for one in connections))
    try:
        return await run_in_thread(partial(authorities.rejected, list(filter(None, chains))), "judging certificates")
    except Exception:  # a library that cannot read a list which OpenSSL can must not spoil a reload
        _log.exception("a fault in the gate: the certificates of open tunnels were not judged again")
        return frozenset()


def _ended_tunnel(one: ClientConnection, reason: str) -> EndedTunnel:
    record = one.conversation.record
    return EndedTunnel(
        id=record.id, client=record.client, target=record.target or record.requested, user=record.user, reason=reason
    )
