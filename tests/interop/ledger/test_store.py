"""The ledger in SQLite and in PostgreSQL: what is added, merged, forgotten and migrated."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensegate.ledger import forgetting
from licensegate.ledger import store as store_module
from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.engine import LedgerUnavailableError, open_engine, transaction
from licensegate.ledger.entries import (
    AskEntry,
    ClientHistory,
    ContactEntry,
    DayEntry,
    HourEntry,
    LedgerEntry,
    ManualKind,
    NameEntry,
    TextEntry,
)
from licensegate.ledger.forgetting import MOST_HOURS, MOST_TEXTS
from licensegate.ledger.migrations import SCHEMA, migrate
from licensegate.ledger.place import LedgerPlace
from licensegate.ledger.store import Store
from licensegate.ledger.tables import schema_table
from support.ledger_entries import (
    NOON,
    STRANGER,
    TARGET,
    TOKYO,
    answer_of_product,
    any_entry,
    at,
    by_hand,
    failed,
    kept_text,
    named,
    success,
)


@pytest.fixture
def store(place: LedgerPlace) -> Iterator[Store]:
    opened = Store(place)
    opened.open()
    yield opened
    opened.close()


def days(store: Store) -> list[DayEntry]:
    return [entry for entry in store.entries() if isinstance(entry, DayEntry)]


def contact(store: Store) -> ContactEntry:
    (entry,) = [entry for entry in store.entries() if isinstance(entry, ContactEntry)]
    return entry


def test_entries_come_back_as_they_were(store: Store) -> None:
    by_stick, answer = by_hand(note="carried on a stick"), answer_of_product(contact_failed=True, registered=at(-5000))
    others: list[LedgerEntry] = [
        by_stick,
        answer,
        named("CUCM Osaka", reserved=True),
        kept_text("a\r\n\x1b[7m--More--\x1b[m 東京"),
    ]
    store.add([*success(), *others])

    assert list(store.entries()) == [success()[1], success()[0], success()[2], *others]


def test_counts_are_added(store: Store) -> None:
    store.add(success())
    store.add(success(hours=1))
    store.add(failed(hours=2))

    (day,) = days(store)
    assert (day.connections, day.answered, day.failed, day.from_client, day.to_client) == (3, 2, 1, 1200, 1000)


def test_no_last_contact_moves_into_the_past(store: Store) -> None:
    store.add([*success(hours=5), *failed(hours=5, outcome="late")])

    store.add([*success(hours=-5), *failed(hours=-5, outcome="early")])

    entry = contact(store)
    assert (entry.first_success, entry.last_success, entry.last_failure) == (at(-5), at(5), at(5))
    assert entry.outcome == "late"


def test_a_failure_leaves_the_success_and_the_other_way_round(store: Store) -> None:
    store.add(failed(outcome="dns_timeout", finding="dns_down"))
    store.add(success(hours=1))
    store.add(failed(hours=2, outcome="connection_refused"))

    entry = contact(store)
    assert (entry.last_success, entry.last_failure) == (at(1), at(2))
    assert (entry.outcome, entry.finding) == ("connection_refused", "")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(entries=st.lists(any_entry, max_size=12))
def test_merging_a_ledger_twice_changes_nothing(store: Store, entries: list[LedgerEntry]) -> None:
    store.merge(entries)
    once = list(store.entries())

    store.merge(once)
    store.merge(reversed(once))

    assert list(store.entries()) == once


def test_merging_keeps_the_greater_count_and_the_later_contact(store: Store) -> None:
    store.add(success(hours=3))
    busier = DayEntry(client=TOKYO, target=TARGET, day=NOON.date(), connections=7, from_client=1)

    store.merge([busier, *success(hours=1)[1:]])

    (day,) = days(store)
    assert (day.connections, day.answered, day.from_client) == (7, 1, 600)
    assert (contact(store).first_success, contact(store).last_success) == (at(1), at(3))


def test_a_history_has_everything_of_one_client(store: Store) -> None:
    other = ClientKey(ClientKind.NAMED, "Other")
    login = by_hand(ManualKind.LOGIN, hours=-9)
    store.add([*success(), *success(hours=30), *success(STRANGER), *success(other), login, by_hand(hours=-20)])
    store.add([answer_of_product(), answer_of_product(client=other, hours=1)])

    histories = store.histories([TOKYO, ClientKey(ClientKind.NAMED, "Nobody")])

    history = histories[TOKYO]
    assert [entry.last_success for entry in history.contacts] == [at(30)]
    assert history.times == (at(0), at(30))
    assert history.manual == (by_hand(hours=-20), login)
    assert history.product == answer_of_product()
    assert histories[ClientKey(ClientKind.NAMED, "Nobody")] == ClientHistory()


@pytest.mark.parametrize(("first", "second"), [(0, 6), (6, 0), (24 * 9000, 0)], ids=["later", "earlier", "wrong clock"])
def test_the_last_answer_of_a_product_is_kept_whole(store: Store, first: float, second: float) -> None:
    store.add([answer_of_product(first)])
    store.add([answer_of_product(second, last_contact=None)])

    kept = store.histories([TOKYO])[TOKYO].product
    assert kept == (answer_of_product(first) if first == 6 else answer_of_product(second, last_contact=None))


def test_the_last_ask_of_a_product_is_kept(store: Store) -> None:
    first = AskEntry(client=TOKYO, settings="5", again=at(9), refused="f")
    last = AskEntry(client=TOKYO, settings="6", again=at(6))

    store.add([first])
    store.add([last])

    assert store.histories([TOKYO])[TOKYO].ask == last


def test_an_import_never_replaces_a_later_answer(store: Store) -> None:
    store.add([answer_of_product(24 * 30)])

    store.merge([answer_of_product()])

    assert store.histories([TOKYO])[TOKYO].product == answer_of_product(24 * 30)


def test_the_last_name_that_was_given_counts(store: Store) -> None:
    store.add([named("Osaka", hours=5)])
    store.merge([named("Tokyo", hours=3)])
    assert [entry.name for entry in store.entries() if isinstance(entry, NameEntry)] == ["Osaka"]

    store.add([named("Kobe", hours=1)])  # typed while the clock went back

    assert [entry.name for entry in store.entries() if isinstance(entry, NameEntry)] == ["Kobe"]


def test_the_newest_texts_of_a_client_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for hours in range(MOST_TEXTS + 2):
        store.merge([kept_text("x" * 1000, hours=hours), kept_text("other", STRANGER, hours=-hours)])

    kept = [entry for entry in store.entries() if isinstance(entry, TextEntry)]
    assert [entry.kept for entry in kept if entry.client == TOKYO] == [at(hours) for hours in (2, 3, 4, 5, 6)]
    assert len(kept) == 2 * MOST_TEXTS

    monkeypatch.setattr(forgetting, "MOST_TEXT_BYTES", 2500)
    store.merge([kept_text("x" * 1000, hours=9)])

    assert [entry.kept for entry in store.entries() if isinstance(entry, TextEntry)] == [at(6), at(9)]


def test_a_name_goes_with_its_client_only(store: Store) -> None:
    gone = ClientKey(ClientKind.LOGIN, "gone")
    store.add([named("Stays"), *success(STRANGER, hours=9000), named("Goes", gone), kept_text()])

    store.forget(at(24 * 500), days=400)

    assert {entry.client for entry in store.entries()} == {STRANGER}
    assert [entry.name for entry in store.entries() if isinstance(entry, NameEntry)] == ["Stays"]


def test_names_outside_ascii_are_kept(store: Store) -> None:
    name = ClientKey(ClientKind.NAMED, "CUCM 東京 'x\"; --")
    store.add(success(name))

    assert store.histories([name])[name].times == (at(0),)


def test_a_day_at_a_time_is_forgotten_once_it_is_old(store: Store) -> None:
    for day in range(5):
        store.add(success(hours=24 * day))

    store.forget(at(24 * 12), days=10)
    store.forget(at(24 * 12), days=10)
    store.forget(at(24 * 12), days=10)

    assert [entry.day.day for entry in days(store)] == [4, 5, 6]
    assert contact(store).last_success == at(96)


def test_a_clock_that_jumps_ahead_costs_one_day(store: Store) -> None:
    for day in range(5):
        store.add(success(hours=24 * day))

    store.forget(NOON + timedelta(days=20_000), days=400)

    assert len(days(store)) == 4


def test_a_client_that_is_gone_is_forgotten(store: Store) -> None:
    store.add([*success(), *success(STRANGER, hours=9000), by_hand(), answer_of_product()])

    store.forget(at(24 * 500), days=400)

    assert {entry.client for entry in store.entries()} == {STRANGER}


def test_the_times_of_a_rhythm_are_bounded(store: Store) -> None:
    store.add(HourEntry(client=TOKYO, time=at(hours)) for hours in range(MOST_HOURS + 20))
    store.add(HourEntry(client=STRANGER, time=at(hours)) for hours in range(3))

    store.forget(at(100), days=400)

    assert store.histories([TOKYO])[TOKYO].times == tuple(at(hours) for hours in range(20, MOST_HOURS + 20))
    assert len([entry for entry in store.entries() if entry.client == STRANGER]) == 3


def test_clients_that_somebody_makes_up_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_CLIENTS", 3)

    homeless = sum(
        store.add(success(ClientKey(ClientKind.ADDRESS, f"10.0.0.{number}"))) for number in (1, 2, 3, 4, 1, 5)
    )
    store.add(success())

    assert homeless == 2
    assert {entry.client.name for entry in days(store)} == {"10.0.0.1", "10.0.0.2", "10.0.0.3", TOKYO.name}


@pytest.mark.parametrize("earlier", range(SCHEMA))
def test_every_earlier_schema_is_migrated_without_loss(place: LedgerPlace, earlier: int) -> None:
    if place.file is not None:
        place.file.touch()
    engine = open_engine(place)
    with transaction(engine) as connection:
        migrate(connection, until=earlier)
        if earlier:
            connection.exec_driver_sql(
                "INSERT INTO ledger_contacts VALUES ('named', 'CUCM-PUB Tokyo', 'tools.cisco.com:443', 1, "
                "1772452800000000, NULL, '', '')"
            )
            connection.exec_driver_sql(
                "INSERT INTO ledger_days VALUES ('named', 'CUCM-PUB Tokyo', 'tools.cisco.com:443', '2026-03-02', "
                "1, 1, 0, 6, 5)"
            )
    engine.dispose()

    store = Store(place)
    store.open()
    store.add([*success(hours=5), by_hand(), answer_of_product(), kept_text(), named("Osaka")])

    history = store.histories([TOKYO])[TOKYO]
    assert [entry.last_success for entry in history.contacts] == [at(5)]
    assert [entry.connections for entry in days(store)] == [2 if earlier else 1]
    assert len(history.times) == (2 if earlier == 1 else 1)
    assert len(history.manual) == 1
    assert history.product == answer_of_product()
    assert list(store.entries())[-2:] == [named("Osaka"), kept_text()]
    store.close()


def test_a_newer_schema_is_left_as_it_is(place: LedgerPlace) -> None:
    store = Store(place)
    store.open()
    store.add(success())
    with transaction(open_engine(place)) as connection:
        connection.execute(schema_table.update().values(number=SCHEMA + 1))

    again = Store(place)
    with pytest.raises(LedgerUnavailableError, match=f"has schema {SCHEMA + 1}.*use the newer release"):
        again.open()

    assert len(days(store)) == 1
    again.close()
    store.close()


def test_opening_twice_changes_nothing(store: Store, place: LedgerPlace) -> None:
    store.add(success())

    again = Store(place)
    again.open()

    assert list(again.entries()) == list(store.entries())
    again.close()
