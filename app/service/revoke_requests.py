"""Answers the requests for the ends of tunnels on the control socket: `revoke` and `end`."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from licensegate.allowlist.selection import TunnelSelection
from licensegate.app.observers.change_log import ChangeLog
from licensegate.app.overview.ended_tunnels import EndedTunnel, EndedTunnels, ids, in_words
from licensegate.app.settings.address import read_network, read_rule_host
from licensegate.language.language import ENGLISH
from licensegate.proxy.gate import Gate
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester

from .control_protocol import Reply, Request, RevocationRequest
from .occasions import requested_by
from .tunnel_ends import end_by_ids, revoke_selected

_T = TypeVar("_T")


async def answer_revoke(gate: Gate, changes: ChangeLog, requester: Requester, request: Request) -> Reply | bytes:
    """End the tunnels that the request selects, or only say which."""
    wanted = request.revocation or RevocationRequest()
    try:
        selection = selection_of(wanted)
    except ValueError as error:
        return Reply(False, f"refused: {error}")
    if selection.is_everything and not wanted.not_allowed:
        return Reply(False, "refused: the request does not say which tunnels")
    ended = await revoke_selected(
        gate, requested_by(requester), selection, not_allowed=wanted.not_allowed, dry_run=wanted.dry_run
    )
    if not wanted.dry_run:
        what = in_words(ended) or "no open tunnel matches"
        changes.write(ChangeKind.REVOKE, requester, what=what, tunnels=ids(ended))
    return _answer(ended, dry_run=wanted.dry_run)


async def answer_end(gate: Gate, changes: ChangeLog, requester: Requester, request: Request) -> Reply | bytes:
    """End the connections with these ids."""
    return _answer(*await _end(gate, changes, requester, request.ids))


async def end_one(gate: Gate, changes: ChangeLog, requester: Requester, number: str) -> bool:
    """End the connection with this id. Returns False if there is none."""
    ended, _ = await _end(gate, changes, requester, (number,))
    return bool(ended)


async def _end(
    gate: Gate, changes: ChangeLog, requester: Requester, numbers: Sequence[str]
) -> tuple[list[EndedTunnel], list[str]]:
    """End them and write the change. Returns them, and the ids that no open connection has."""
    ended, unknown = await end_by_ids(gate, requested_by(requester), numbers)
    what = in_words(ended) or "no open connection has such an id"
    changes.write(ChangeKind.END, requester, what=what, ok=bool(ended), tunnels=ids(ended))
    return ended, unknown


def selection_of(wanted: RevocationRequest) -> TunnelSelection:
    """Read the texts of a request. Raises ValueError, which says what is wrong with which."""
    return TunnelSelection(
        tuple(_read(read_rule_host, host) for host in wanted.hosts),
        wanted.users,
        tuple(_read(read_network, network) for network in wanted.networks),
        wanted.certificates,
    )


def _read(reader: Callable[[str], _T], text: str) -> _T:
    """Read a text by a reader of the settings, whose errors go on after the text."""
    try:
        return reader(text)
    except ValueError as error:
        raise ValueError(f"{text!r} {error}") from None


def _answer(ended: list[EndedTunnel], unknown: Sequence[str] = (), *, dry_run: bool = False) -> bytes:
    answer = EndedTunnels(
        language=ENGLISH.code, made_at=datetime.now(UTC), tunnels=ended, unknown=tuple(unknown), dry_run=dry_run
    )
    return msgspec.json.encode(answer) + b"\n"
