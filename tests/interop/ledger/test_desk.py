"""What people read and write at the ledger's desk, in SQLite and in PostgreSQL."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest

from licensegate.ledger.by_hand import EntryRefusedError, TextWithWord
from licensegate.ledger.clients import ClientKey, ClientKind, NamedClient
from licensegate.ledger.desk import LedgerDesk, NoLedger
from licensegate.ledger.dossier import ClientDossier, MonthEvidence
from licensegate.ledger.entries import HourEntry, ManualEntry, NameEntry, TextEntry
from licensegate.ledger.naming import NamedBy
from licensegate.ledger.place import FILE_NAME, LedgerPlace, LedgerSettings
from licensegate.ledger.store import Store
from licensegate.licensing.clocks import Level
from licensegate.records.secret import Secret
from support.ledger_entries import (
    STRANGER,
    TARGET,
    TOKYO,
    answer_of_product,
    at,
    by_hand,
    failed,
    kept_text,
    success,
)
from support.licence_texts import text_of
from support.upstream import closed_port

T = TypeVar("T")
NAMED = (NamedClient(TOKYO.name, product="CUCM", users=("pub",)), NamedClient("Ship"))
SHIP = NAMED[1].key
LOGIN = ClientKey(ClientKind.LOGIN, "pub")
NOW = at(24 * 40)


@pytest.fixture
def store(place: LedgerPlace) -> Iterator[Store]:
    """A ledger with a client of the settings, one without a name, and what came before its `[[client]]`."""
    opened = Store(place)
    opened.open()
    opened.add([*success(), *success(hours=24 * 3), *failed(hours=24 * 5, outcome="dns_timeout")])
    opened.add([*success(STRANGER, hours=24 * 39), *success(LOGIN)])
    yield opened
    opened.close()


@pytest.fixture
def written() -> list[str]:
    return []


@pytest.fixture
def desk(store: Store, written: list[str]) -> LedgerDesk:
    return LedgerDesk(LedgerSettings(store.place), NAMED, lambda: written.append("written"), lambda: NOW)


def run(desk: LedgerDesk, work: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        try:
            return await work()
        finally:
            await desk.close()

    return asyncio.run(whole())


def test_all_clients_are_listed_the_most_urgent_first(desk: LedgerDesk) -> None:
    found = run(desk, desk.summaries)

    assert isinstance(found, list)
    assert [(each.client.key, each.standing.level) for each in found] == [
        (TOKYO, Level.WARNING),
        (SHIP, Level.UNKNOWN),
        (STRANGER, Level.OK),
    ]
    assert found[0].failure is not None
    assert found[0].failure.outcome == "dns_timeout"


def test_the_list_judges_by_rhythm_as_the_client_itself_does(desk: LedgerDesk, store: Store) -> None:
    store.add([HourEntry(client=STRANGER, time=at(24 * 37 + hours)) for hours in range(0, 24, 2)])
    store.add(success(STRANGER, hours=24 * 38 + 12))
    desk._now = lambda: at(24 * 41)

    async def both() -> tuple[object, object]:
        return await desk.summaries(), await desk.client(STRANGER)

    found, dossier = run(desk, both)
    assert isinstance(found, list)
    assert isinstance(dossier, ClientDossier)
    assert [each.standing for each in found if each.client.key == STRANGER] == [dossier.standing]
    assert dossier.standing.level is Level.WARNING


def test_one_client_has_its_history_days_and_texts(desk: LedgerDesk, store: Store) -> None:
    store.merge([by_hand(), answer_of_product(), kept_text("old"), kept_text("東京", hours=2)])
    busy = success(TOKYO)[0]
    store.add([busy])

    found = run(desk, lambda: desk.client(TOKYO, days=40))

    assert isinstance(found, ClientDossier)
    assert found.client.named_by is NamedBy.SETTINGS
    assert [entry.target for entry in found.history.contacts] == [TARGET]
    assert (found.history.manual, found.history.product) == ((by_hand(),), answer_of_product())
    assert [(each.day.day, each.connections, each.answered, each.failed) for each in found.days] == [
        (2, 2, 2, 0),
        (5, 1, 1, 0),
        (7, 1, 0, 1),
    ]
    assert [(text.kept, text.kept_by, text.size) for text in found.texts] == [(at(2), "ann", 6), (at(0), "ann", 3)]
    assert found.text == kept_text("東京", hours=2)


def test_days_before_those_asked_for_are_left_out(desk: LedgerDesk) -> None:
    found = run(desk, lambda: desk.client(TOKYO, days=35))

    assert isinstance(found, ClientDossier)
    assert [each.day for each in found.days] == [date(2026, 3, 7)]


def test_a_client_that_nobody_knows_is_none(desk: LedgerDesk) -> None:
    assert run(desk, lambda: desk.client(ClientKey(ClientKind.ADDRESS, "10.9.9.9"))) is None


def test_a_name_makes_clocks_and_a_restart_keeps_it(desk: LedgerDesk, written: list[str]) -> None:
    async def name_it() -> tuple[object, object]:
        await desk.summaries()
        given = await desk.give_name(STRANGER, " CUCM Osaka ", product="cucm", reserved=True, by="admin")
        return given, await desk.summaries()

    given, clients = run(desk, name_it)

    assert given == NameEntry(
        client=STRANGER, name="CUCM Osaka", product="CUCM", reserved=True, named=NOW, named_by="admin"
    )
    assert isinstance(clients, list)
    (found,) = (each for each in clients if each.client.key == STRANGER)
    assert (found.client.name, found.client.named_by, found.standing.model) == (
        "CUCM Osaka",
        NamedBy.HAND,
        "reserved",
    )
    assert written == ["written"]


def test_a_text_is_kept_and_its_dates_replace_estimates(desk: LedgerDesk) -> None:
    async def bring() -> tuple[object, object]:
        return await desk.keep_text(TOKYO, text_of("cucm-all").encode(), by="admin"), await desk.client(TOKYO)

    kept, found = run(desk, bring)

    assert isinstance(kept, TextWithWord)
    assert isinstance(found, ClientDossier)
    assert found.text == kept.text
    assert kept.word is not None
    assert found.history.product == kept.word
    assert found.standing.deadlines["authorization"].printed


def test_what_is_done_by_hand_is_kept_with_who_and_when(desk: LedgerDesk) -> None:
    async def record() -> tuple[object, object]:
        return await desk.record(SHIP, at=at(-3), note="by ship", by="admin"), await desk.client(SHIP)

    entry, found = run(desk, record)

    assert isinstance(entry, ManualEntry)
    assert (entry.time, entry.recorded, entry.recorded_by, entry.note) == (at(-3), NOW, "admin", "by ship")
    assert isinstance(found, ClientDossier)
    assert found.history.manual == (entry,)


def test_nothing_is_kept_for_a_client_that_nobody_knows(desk: LedgerDesk, written: list[str]) -> None:
    unknown = ClientKey(ClientKind.ADDRESS, "10.9.9.9")

    with pytest.raises(EntryRefusedError, match=r"neither the settings nor the ledger know a client 10\.9\.9\.9"):
        run(desk, lambda: desk.record(unknown, by="admin"))
    assert written == []


def test_a_month_has_what_an_auditor_asks_for(desk: LedgerDesk, store: Store) -> None:
    store.merge([by_hand(hours=24 * 9), by_hand(hours=-72), answer_of_product()])
    text = TextEntry(client=TOKYO, kept=at(24 * 35), kept_by="ann", printed=at(24), text=text_of("cucm-all"))
    store.merge([text])

    found = run(desk, lambda: desk.month(TOKYO, date(2026, 3, 20)))

    assert isinstance(found, MonthEvidence)
    assert [each.day.day for each in found.days if each.answered] == [2, 5]
    assert found.manual == (by_hand(hours=24 * 9),)
    assert [word.said for word in found.words] == [answer_of_product().said, at(24)]
    assert [entry.outcome for entry in found.failures] == ["dns_timeout"]
    assert (len(found.days), found.days_with_contact, found.longest_gap_days) == (31, 3, 20)


def reason(answer: object) -> str:
    assert isinstance(answer, NoLedger)
    return answer.reason


def test_without_a_place_the_settings_to_change_are_named() -> None:
    desk = LedgerDesk(LedgerSettings(), ())

    assert reason(run(desk, desk.summaries)) == "no ledger is kept: set state.directory or ledger.url in the settings"


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    url = f"postgresql://gate:s3cret@127.0.0.1:{closed_port()}/ledger"
    desk = LedgerDesk(LedgerSettings(LedgerPlace(url=Secret(url.encode()))), NAMED)

    said = reason(run(desk, desk.summaries))

    assert "Connection refused" in said
    assert "s3cret" not in said


def test_while_a_call_hangs_others_are_answered_at_once(
    desk: LedgerDesk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("licensegate.ledger.desk._ANSWER_SECONDS", 0.05)
    monkeypatch.setattr("licensegate.ledger.desk._RETRY_SECONDS", 0.0)
    released = threading.Event()
    usual = desk._opened
    monkeypatch.setattr(desk, "_opened", lambda: (released.wait(), usual())[1])

    async def calls() -> tuple[object, object]:
        late = [await desk.client(SHIP), await desk.client(SHIP)]
        monkeypatch.setattr("licensegate.ledger.desk._ANSWER_SECONDS", 30)
        at_once = await desk.client(SHIP)
        released.set()
        while desk._is_working:
            await asyncio.sleep(0.01)
        return [*late, at_once], await desk.client(SHIP)

    unanswered, answered = run(desk, calls)

    assert isinstance(unanswered, list)
    assert all("has not answered for 0.05 s" in reason(each) for each in unanswered)
    assert isinstance(answered, ClientDossier)


def test_a_file_that_no_gate_has_made_is_not_made(tmp_path: Path) -> None:
    desk = LedgerDesk(LedgerSettings(LedgerPlace(tmp_path / FILE_NAME)), ())

    assert "does not exist; a gate makes it when it starts" in reason(run(desk, desk.summaries))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE ledger_schema SET number = 3", "has schema 3; a gate of this release brings it up to date"),
        ("UPDATE ledger_schema SET number = 99", "use the newer release"),
        ("DROP TABLE ledger_names", "no such table: ledger_names"),
        ("UPDATE ledger_contacts SET last_success = 'rubbish'", "is damaged: a row cannot be read"),
    ],
    ids=["an earlier schema", "a newer one", "a table that is gone", "a row that is none"],
)
def test_a_ledger_that_cannot_be_read_says_why(tmp_path: Path, statement: str, words: str) -> None:
    file = tmp_path / FILE_NAME
    store = Store(LedgerPlace(file))
    store.open()
    store.add(success())
    store.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute(statement)
    other.close()
    desk = LedgerDesk(LedgerSettings(LedgerPlace(file)), NAMED)

    assert words in reason(run(desk, desk.summaries))


def test_a_locked_file_is_read_and_what_is_typed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str]
) -> None:
    monkeypatch.setattr("licensegate.ledger.desk._WRITE_WAIT_SECONDS", 0.05)
    store = Store(LedgerPlace(tmp_path / FILE_NAME))
    store.open()
    desk = LedgerDesk(LedgerSettings(store.place), NAMED, lambda: written.append("written"))
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def both() -> tuple[object, object]:
        return await desk.summaries(), await desk.record(SHIP, by="admin")

    found, entry = run(desk, both)

    other.rollback()
    other.close()
    store.close()
    assert isinstance(found, list)
    assert "cannot be used: database is locked" in reason(entry)
    assert written == []


def test_a_file_that_was_replaced_is_opened_again(tmp_path: Path) -> None:
    file, other = tmp_path / FILE_NAME, tmp_path / "other"
    for path, client in ((file, TOKYO), (other, STRANGER)):
        store = Store(LedgerPlace(path))
        store.open()
        store.add(success(client))
        store.close()
    desk = LedgerDesk(LedgerSettings(LedgerPlace(file)), (), now=lambda: NOW)

    async def twice() -> tuple[object, object]:
        before = await desk.client(STRANGER)
        other.rename(file)
        return before, await desk.client(STRANGER)

    before, after = run(desk, twice)

    assert before is None
    assert isinstance(after, ClientDossier)
