"""What clients can make the gate remember: addresses, names, targets and programs of their choice, and how many."""

import gc
from collections import OrderedDict, deque
from collections.abc import Callable
from types import FunctionType, ModuleType

import pytest

from licensegate.app.admin.sessions import Sessions, SignInRefusedError
from licensegate.app.observers.counters import Counters
from licensegate.app.observers.hourly import OnceAnHour
from licensegate.app.observers.log_limit import LogLimit
from licensegate.app.observers.observer import Observer
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.app.observers.target_health import TargetHealth
from licensegate.app.observers.target_names import TargetNames
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.ledger.clients import ClientNames
from licensegate.ledger.intake import Intake
from licensegate.proxy.auth.proven_logins import ProvenLogins
from licensegate.proxy.wire.ticket_lengths import TicketLengths
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult, TunnelRecord
from support.records import POLICY, tunnel

MANY = 4_500
"""More than any of them holds: what waits for the ledger is given another bound."""

Remember = Callable[[TunnelRecord], object]
"""A method of what remembers. The entries that its owner holds are counted."""


def entries(root: object) -> int:
    """How many entries all containers have that can be reached from an object."""
    seen, found, total = {id(root)}, [root], 0
    while found:
        one = found.pop()
        if isinstance(one, dict | OrderedDict | list | set | deque):
            total += len(one)
        for other in one.__closure__ or () if isinstance(one, FunctionType) else gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, type | ModuleType):
                seen.add(id(other))
                found.append(other)
    return total


def stranger(number: int) -> TunnelRecord:
    """A connection that was refused, and chose all that a client can choose like no other."""
    third, fourth = divmod(number, 250)
    return tunnel(
        Outcome.TARGET_NOT_ALLOWED,
        client=f"10.{third // 250}.{third % 250}.{fourth}",
        target=f"a{number}.example.com:443",
        rule="",
        user=f"user{number}",
        login_result=LoginResult.UNKNOWN_USER,
        user_agent=f"Agent/{number}",
        server_name=f"b{number}.example.com",
        fields=(f"X-{number}",),
        relay_ms=None,
        attempts=[],
        addresses=[],
    )


def observing(observer: Observer) -> Remember:
    def remember(record: TunnelRecord) -> None:
        observer.observe([record])

    return remember


def intake() -> Remember:
    taking = Intake(ClientNames(), most=1000)
    return lambda record: taking.take([record])


def proven_logins() -> Remember:
    proven = ProvenLogins()
    return lambda record: proven.note(record.client, record.user, right=True)


def sign_ins() -> Remember:
    sessions = Sessions()
    sessions.adopt("a token of the operator")

    def guess(record: TunnelRecord) -> None:
        with pytest.raises(SignInRefusedError):
            sessions.sign_in("wrong", record.client)

    return guess


def ticket_lengths() -> Remember:
    tickets = TicketLengths()
    return lambda record: tickets.learn(record.target, frozenset({250}))


def diagnosis() -> Remember:
    judging = Diagnosis()
    return lambda record: judging.observe([record])


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(lambda: observing(Clients()), id="recent clients and their programs"),
        pytest.param(lambda: observing(Refusals()), id="recent refusals"),
        pytest.param(lambda: observing(Counters(TargetNames(lambda: POLICY))), id="metrics"),
        pytest.param(lambda: observing(TargetHealth(TargetNames(lambda: POLICY))), id="health of targets"),
        pytest.param(lambda: OnceAnHour().thinned, id="records once an hour"),
        pytest.param(lambda: LogLimit(1).admits, id="limit and summaries of the access log"),
        pytest.param(lambda: ClientNames().key, id="names of the ledger's clients"),
        pytest.param(intake, id="what waits for the ledger"),
        pytest.param(diagnosis, id="diagnosis"),
        pytest.param(proven_logins, id="logins that were right"),
        pytest.param(sign_ins, id="wrong tokens of the admin pages"),
        pytest.param(ticket_lengths, id="session tickets of targets"),
    ],
)
def test_what_clients_choose_is_remembered_within_a_bound(begin: Callable[[], Remember]) -> None:
    remember = begin()
    for number in range(MANY):
        remember(stranger(number))
    full = entries(remember)
    for number in range(MANY, 2 * MANY):
        remember(stranger(number))

    assert entries(remember) <= full


def test_entries_are_counted_wherever_they_are() -> None:
    class Remembering:
        def __init__(self) -> None:
            self.seen: dict[str, list[TunnelRecord]] = {}

        def take(self, record: TunnelRecord) -> None:
            self.seen.setdefault("all", []).append(record)

    remembering = Remembering()
    empty = entries(remembering.take)
    for number in range(5):
        remembering.take(stranger(number))

    assert entries(remembering.take) >= empty + 6
