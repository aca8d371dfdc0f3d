"""Sums up records until they are written: one tally per client, target and day, however many records there are.

Pure. A contact succeeded only if its target answered (`Contact.ANSWERED`), never because a tunnel was opened. It counts
from the moment of the answer, so perhaps from the record of a tunnel's start, and then not again from that of its end.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Final

from msgspec import Struct

from licensegate.records.bounded import BoundedDict
from licensegate.records.contact import Contact
from licensegate.records.outcome import ONCE_AN_HOUR, PROBES, Outcome
from licensegate.records.record import TunnelRecord

from .clients import ClientKey, ClientNames, accepted_user
from .entries import AskEntry, ContactEntry, DayEntry, HourEntry, LedgerEntry, ProductEntry

NO_TARGET: Final = "none"
"""Stands for every target that no rule allows: what clients may ask for has no bound."""

MOST_TALLIES: Final = 10_000
"""While nothing can be written: about 6 MB."""

_MOST_ANNOUNCED: Final = 65_536

UNCOUNTED: Final = frozenset(
    (
        *PROBES,
        *ONCE_AN_HOUR,
        Outcome.CLIENT_NOT_ALLOWED,  # strangers
        Outcome.PROXY_HEADER_NOT_ALLOWED,
        Outcome.PROXY_HEADER_MISSING,
        Outcome.LOGIN_REQUIRED,  # the first half of a login; the second is another connection
        Outcome.LOGIN_STALE,
    )
)
"""Connections that say nothing about a client's contacts."""

_UNCOUNTED_LABELS: Final = frozenset(outcome.label for outcome in UNCOUNTED)  # texts know their hash, members do not
_HOUR: Final = 3600


class Tally(Struct):
    """The sums of one client, target and day. Times are in seconds since 1970, 0 if there was none.

    `hours` has the last success of each hour that had one.
    """

    hours: dict[int, float]
    connections: int = 0
    answered: int = 0
    failed: int = 0
    from_client: int = 0
    to_client: int = 0
    first_success: float = math.inf
    last_success: float = 0.0
    last_failure: float = 0.0
    outcome: str = ""
    finding: str = ""

    def succeed(self, at: float) -> None:
        """Count an answered contact."""
        self.answered += 1
        if at < self.first_success:
            self.first_success = at
        if at > self.last_success:
            self.last_success = at
        hour = int(at / _HOUR)
        if at > self.hours.get(hour, 0.0):
            self.hours[hour] = at

    def fail(self, at: float, outcome: str, finding: str) -> None:
        """Count a contact that was not answered."""
        self.failed += 1
        if at >= self.last_failure:
            self.last_failure, self.outcome, self.finding = at, outcome, finding


class Intake:
    """Takes records and products' answers, and keeps their sums until `clear`. `names` may be replaced at any time.

    `dropped` counts the records without a place: those of new clients, targets or days while `most` tallies wait.
    """

    def __init__(self, names: ClientNames, most: int = MOST_TALLIES) -> None:
        self._names = names
        self.dropped = 0
        self._most = most
        self._tallies: dict[tuple[ClientKey, str, date], Tally] = {}
        self._found: dict[tuple[str, str, str, str, int], Tally] = {}
        self._products: dict[ClientKey, ProductEntry] = {}
        self._asks: dict[ClientKey, AskEntry] = {}
        self._announced: BoundedDict[str, bool] = BoundedDict(_MOST_ANNOUNCED)

    @property
    def names(self) -> ClientNames:
        """Finds the client of a record."""
        return self._names

    @names.setter
    def names(self, names: ClientNames) -> None:
        self._names = names
        self._found.clear()

    def __len__(self) -> int:
        return len(self._tallies) + len(self._products) + len(self._asks)

    def take(self, records: Iterable[TunnelRecord]) -> None:
        """Add these records to the tallies."""
        announced = self._announced
        for record in records:
            ended = record.event == "end"
            succeeded = record.contact is Contact.ANSWERED
            if succeeded:
                if not ended:
                    announced.put(record.id, True)
                elif announced:
                    succeeded = announced.pop(record.id, False) is False
            if (succeeded or ended) and (tally := self._tally(record)) is not None:
                _add(tally, record, succeeded, ended)

    def hear(self, entries: Iterable[ProductEntry | AskEntry]) -> None:
        """Keep the last answer and ask of each product."""
        for entry in entries:
            if isinstance(entry, ProductEntry):
                self._products[entry.client] = entry
            else:
                self._asks[entry.client] = entry

    def clients(self) -> set[ClientKey]:
        """The clients that have a tally, an answer or an ask."""
        return {client for client, _, _ in self._tallies} | self._products.keys() | self._asks.keys()

    def entries(self) -> Iterator[LedgerEntry]:
        """The tallies, answers and asks as entries of the ledger, to be added to what it has."""
        yield from self._products.values()
        yield from self._asks.values()
        for (client, target, day), tally in self._tallies.items():
            yield DayEntry(
                client=client,
                target=target,
                day=day,
                connections=tally.connections,
                answered=tally.answered,
                failed=tally.failed,
                from_client=tally.from_client,
                to_client=tally.to_client,
            )
            if tally.answered or tally.failed:
                yield ContactEntry(
                    client=client,
                    target=target,
                    first_success=_moment(tally.first_success),
                    last_success=_moment(tally.last_success),
                    last_failure=_moment(tally.last_failure),
                    outcome=tally.outcome,
                    finding=tally.finding,
                )
            for time in tally.hours.values():
                yield HourEntry(client=client, time=datetime.fromtimestamp(time, UTC))

    def clear(self) -> None:
        """Forget the tallies, answers and asks: they have been written."""
        self._tallies.clear()
        self._found.clear()
        self._products.clear()
        self._asks.clear()

    def _tally(self, record: TunnelRecord) -> Tally | None:
        """The tally of a record's client, target and day; None if there is no place for another one."""
        time = record.time
        user = record.user and accepted_user(record)
        identity = (record.client, user, record.client_certificate, record.rule, time.toordinal())
        tally = self._found.get(identity)
        if tally is None:
            key = (self.names.key(record), record.rule.partition(" ")[0] or NO_TARGET, time.date())
            tally = self._tallies.get(key)
            if tally is None:
                if len(self._tallies) >= self._most:
                    self.dropped += 1
                    return None
                tally = self._tallies[key] = Tally({})
            if len(self._found) >= self._most:
                self._found.clear()
            self._found[identity] = tally
        return tally


def _add(tally: Tally, record: TunnelRecord, succeeded: bool, ended: bool) -> None:
    if succeeded:
        tally.succeed(_after(record.time, record.answered_ms))
    if ended:
        tally.connections += 1
        tally.from_client += record.client_read
        tally.to_client += record.client_written
        if record.contact is not Contact.ANSWERED and is_failure(record):
            outcome = "" if record.outcome is None else record.outcome.label
            tally.fail(_after(record.time, record.total_ms), outcome, record.finding)


def is_counted(record: TunnelRecord) -> bool:
    """Whether a record says anything about a client's contacts: an end, or a start that was answered already."""
    if record.event == "end":
        return record.outcome is None or record.outcome.label not in _UNCOUNTED_LABELS
    return record.event == "start" and record.contact is Contact.ANSWERED


def is_failure(record: TunnelRecord) -> bool:
    """Whether an ended connection failed: refused, or its target did not answer. A tunnel without TLS does not tell."""
    if record.contact is None or record.contact is Contact.NOT_TLS:
        return record.relay_ms is None
    return record.contact is not Contact.ANSWERED


def _after(time: datetime, ms: float | None) -> float:
    return time.timestamp() + (0.0 if ms is None else ms / 1000)


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if 0.0 < seconds < math.inf else None
