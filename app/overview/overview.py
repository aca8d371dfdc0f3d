"""The gate at a glance: what the first page and `licensegate status` show."""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from .attention import Attention, LevelName
from .clients import ClientRow
from .refusals import RefusalRow
from .targets import TargetRow
from .tunnels import TunnelRow

SCHEMA: Final = 1
"""Raised by one when a field of an answer changes its name or its meaning; a new field does not raise it."""


class LedgerSummary(Struct, frozen=True, kw_only=True):
    """Whether clients' contacts are kept.

    `state` is `off` without a place for a ledger, `starting` until the first attempt to write; `state_word` is the same
    for people. `dropped` are the records that found no place. `place` names the file or the database, without password.
    """

    state: Literal["off", "starting", "working", "failing"]
    state_word: str
    place: str = ""
    dropped: int = 0


class GateSummary(Struct, frozen=True, kw_only=True):
    """The gate itself.

    `state` is that of /readyz: `ready`, `draining` or `not_accepting`. `listeners` are the addresses that accept
    clients. `connections` are open now, of at most `connections_limit`; `waiting` of them have not sent a whole
    request, `tunnels` are the others. `mode` is the allowlist's, `enforce` or `report`. `certificate_ends` is the end
    of the gate's own certificate, None if that cannot be read. `settings` names the file and the variables in force.
    `log_lines_dropped` counts the lost lines of each log.
    """

    version: str
    state: Literal["ready", "draining", "not_accepting"]
    state_word: str
    started: datetime
    listeners: list[str]
    connections: int
    connections_limit: int
    waiting: int
    tunnels: int
    mode: Literal["enforce", "report"]
    certificate_ends: datetime | None
    settings: str
    log_lines_dropped: dict[str, int]
    ledger: LedgerSummary


class Overview(Struct, frozen=True, kw_only=True):
    """Everything in short, in one language; `made_at` is the time of this answer.

    `level` is the worst of `attention`, `ok` if nothing needs any; `headline` says it in one sentence. `attention` has
    the most urgent first, and at most some of `attention_total`. `clients_by_level` counts all `clients_total`;
    `clients`, `refusals` and `tunnels` are the first rows of each list.
    """

    schema: int
    language: str
    made_at: datetime
    level: LevelName
    level_word: str
    headline: str
    attention: list[Attention]
    attention_total: int
    gate: GateSummary
    targets: list[TargetRow]
    clients: list[ClientRow]
    clients_total: int
    clients_by_level: dict[LevelName, int]
    refusals: list[RefusalRow]
    refusals_total: int
    tunnels: list[TunnelRow]
