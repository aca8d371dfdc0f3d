"""The gate itself, in short: does it listen, how full is it, are its logs and its ledger written?"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from licensegate.app.observers.ledger import Ledger
from licensegate.certs.identity import ServerIdentity
from licensegate.certs.pem import CertificateError
from licensegate.language.language import N_, Language
from licensegate.proxy.gate import Gate
from licensegate.proxy.protocol.states import State

GateStateName = Literal["ready", "draining", "not_accepting"]
LedgerStateName = Literal["off", "starting", "working", "failing"]

_STATES: Final[dict[GateStateName, str]] = {
    "ready": N_("serves clients"),
    "draining": N_("is stopping"),
    "not_accepting": N_("accepts no clients"),
}
_LEDGER_STATES: Final[dict[LedgerStateName, str]] = {
    "off": N_("not kept"),
    "starting": N_("is being opened"),
    "working": N_("is written"),
    "failing": N_("cannot be used"),
}


class LedgerSummary(Struct, frozen=True, kw_only=True):
    """Whether clients' contacts are kept.

    `state` is `off` without a place for a ledger, `starting` until the first attempt to write; `state_word` is the same
    for people. `dropped` are the records that found no place. `place` names the file or the database, without password.
    """

    state: LedgerStateName
    state_word: str
    place: str = ""
    dropped: int = 0


class GateSummary(Struct, frozen=True, kw_only=True):
    """The gate itself.

    `state` is that of /readyz: `ready`, `draining` or `not_accepting`. `listeners` are the addresses that accept
    clients. `connections` are open now, of at most `connections_limit`; `waiting` of them have not sent a whole
    request, `tunnels` are established. `mode` is the allowlist's, `enforce` or `report`, and `rules` the number of its
    rules. `certificate_ends` is the end of the gate's own certificate, None if that cannot be read. `settings` names
    the file and the variables in force. `log_lines_dropped` counts the lost lines of each log.
    """

    version: str
    state: GateStateName
    state_word: str
    started: datetime
    listeners: list[str]
    connections: int
    connections_limit: int
    waiting: int
    tunnels: int
    mode: Literal["enforce", "report"]
    rules: int
    certificate_ends: datetime | None
    settings: str
    log_lines_dropped: dict[str, int]
    ledger: LedgerSummary


class GateFacts(Struct, frozen=True):
    """What the gate does not know of itself.

    `losses` returns each log's number of lost lines by reason, by the log's name; `settings` names the settings in
    force.
    """

    version: str
    started: datetime
    losses: Mapping[str, Callable[[], Mapping[str, int]]]
    settings: Callable[[], str]


def gate_summary(gate: Gate, ledger: Ledger, facts: GateFacts, language: Language) -> GateSummary:
    """The gate as it is now."""
    snapshot = gate.snapshot
    listeners = [listener.name for listener in gate.listeners if listener.accepts]
    state: GateStateName = "draining" if gate.draining else "ready" if listeners else "not_accepting"
    return GateSummary(
        version=facts.version,
        state=state,
        state_word=language.gettext(_STATES[state]),
        started=facts.started,
        listeners=listeners,
        connections=len(gate.connections),
        connections_limit=snapshot.limits.tunnels,
        waiting=gate.waiting,
        tunnels=sum(one.conversation.state is State.RELAYING for one in gate.connections),
        mode=snapshot.policy.mode.value,
        rules=len(snapshot.policy.rules),
        certificate_ends=_ends(snapshot.identity),
        settings=facts.settings(),
        log_lines_dropped={name: sum(count().values()) for name, count in facts.losses.items()},
        ledger=ledger_summary(ledger, language),
    )


def ledger_summary(ledger: Ledger, language: Language) -> LedgerSummary:
    """Whether contacts are kept now."""
    writer = ledger.writer
    if not ledger.is_kept or writer is None:
        return LedgerSummary(state="off", state_word=language.gettext(_LEDGER_STATES["off"]))
    states: dict[bool | None, LedgerStateName] = {None: "starting", True: "working", False: "failing"}
    state = states[writer.is_working]
    return LedgerSummary(
        state=state,
        state_word=language.gettext(_LEDGER_STATES[state]),
        place=str(ledger.place),
        dropped=writer.dropped,
    )


def _ends(identity: ServerIdentity | None) -> datetime | None:
    try:
        return None if identity is None else identity.not_after
    except CertificateError:
        return None
