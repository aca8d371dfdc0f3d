"""Where the handlers of the page table read what they show."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct

from licensegate.app.observers.change_log import ChangeLog
from licensegate.app.observers.metrics import Metrics
from licensegate.app.overview.view import GateView
from licensegate.ledger.desk import LedgerDesk
from licensegate.records.requester import Requester

from .health import Health
from .sessions import Sessions

EndTunnel: TypeAlias = Callable[[Requester, str], Awaitable[bool]]
"""Ends the open connection with this id for somebody. Returns False if there is none."""


class PageSources(Struct, frozen=True):
    """What handlers need of the gate.

    `view` reads it for people, `desk` writes what they add to the ledger, `changes` who did what. `end_tunnel` ends an
    open connection.
    """

    version: str
    metrics: Metrics
    health: Health
    view: GateView
    desk: LedgerDesk
    sessions: Sessions
    changes: ChangeLog
    end_tunnel: EndTunnel
