"""The registry of observers: one line each. The gate's observers, their start and their stop come from here.

To add an observer, write a class with `observe` (`observer.Observer`) and add a line to OBSERVERS.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Struct

from licensegate.allowlist.policy import Policy
from licensegate.app.logs.sink import LogSink
from licensegate.app.settings import Log
from licensegate.ledger.clients import ClientNames
from licensegate.ledger.place import LedgerSettings
from licensegate.proxy.gate import Gate

from .access_log import AccessLog
from .counters import Counters
from .ledger import Ledger
from .login_log import LoginLog
from .observer import Observer
from .recent import Clients, Refusals
from .target_health import TargetHealth
from .target_names import TargetNames

NO_LEDGER: Final = LedgerSettings()
NO_NAMES: Final = ClientNames()

_AnObserver = TypeVar("_AnObserver", bound=Observer)


class Setup(Struct, frozen=True):
    """What observers are made from: their settings, the log's place if it is open, the names of the targets."""

    log: Log
    opened_log: LogSink | None
    targets: TargetNames
    ledger: LedgerSettings
    clients: ClientNames


class Entry(Struct, frozen=True):
    """How to make one observer. One that only the view of the gate reads starts with the admin server or the control
    socket.
    """

    make: Callable[[Setup], Observer]
    for_view: bool = False


OBSERVERS: Final = (
    Entry(lambda setup: AccessLog(setup.log, setup.opened_log)),
    Entry(lambda setup: LoginLog()),
    Entry(lambda setup: Ledger(setup.ledger, setup.clients)),
    Entry(lambda setup: TargetHealth(setup.targets), for_view=True),
    Entry(lambda setup: Refusals(), for_view=True),
    Entry(lambda setup: Clients(), for_view=True),
    Entry(lambda setup: Counters(setup.targets), for_view=True),
)


class Observers:
    """The observers of one gate, those that always run first. `policy` returns the policy in force.

    `opened_log` is the place of the access log if it is open already. Raises LogPlaceError.
    """

    def __init__(
        self,
        log: Log,
        policy: Callable[[], Policy],
        opened_log: LogSink | None = None,
        ledger: LedgerSettings = NO_LEDGER,
        clients: ClientNames = NO_NAMES,
    ) -> None:
        self.targets = TargetNames(policy)
        self._setup = Setup(log, opened_log, self.targets, ledger, clients)
        self._is_viewed = False
        self._running = [entry.make(self._setup) for entry in OBSERVERS if not entry.for_view]

    def attach(self, gate: Gate) -> None:
        """Pass the gate's records to the running observers."""
        for observer in self._running:
            gate.add_observer(observer.observe)

    def start_view(self, gate: Gate) -> None:
        """Start those for the view, unless they run. They see the records from now on, until `close`."""
        if self._is_viewed:
            return
        self._is_viewed = True
        for entry in OBSERVERS:
            if entry.for_view:
                observer = entry.make(self._setup)
                self._running.append(observer)
                gate.add_observer(observer.observe)

    def get(self, kind: type[_AnObserver]) -> _AnObserver:
        """The running observer of this class. Raises LookupError if it does not run."""
        for observer in self._running:
            if isinstance(observer, kind):
                return observer
        raise LookupError(f"no {kind.__name__} is running")

    def close(self) -> None:
        """Stop all of them, the last started first."""
        while self._running:
            self._running.pop().close()
