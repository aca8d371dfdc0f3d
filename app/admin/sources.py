"""Where the handlers of the page table read what they show."""

from msgspec import Struct

from licensegate.app.observers.change_log import ChangeLog
from licensegate.app.observers.metrics import Metrics
from licensegate.app.overview.view import GateView
from licensegate.ledger.desk import LedgerDesk

from .health import Health
from .sessions import Sessions


class PageSources(Struct, frozen=True):
    """What handlers need of the gate.

    `view` reads it for people, `desk` writes what they add to the ledger, `changes` who did what.
    """

    version: str
    metrics: Metrics
    health: Health
    view: GateView
    desk: LedgerDesk
    sessions: Sessions
    changes: ChangeLog
