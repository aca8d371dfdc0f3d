"""The ledger's thread: what is written, what waits, and what happens to a file that cannot be used."""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from licensegate.ledger import writer as writer_module
from licensegate.ledger.clients import ClientKey, ClientKind, ClientNames, NamedClient
from licensegate.ledger.engine import LedgerUnavailableError
from licensegate.ledger.entries import ContactEntry, DayEntry, LedgerEntry
from licensegate.ledger.place import FILE_NAME, LedgerPlace, LedgerSettings
from licensegate.ledger.store import Store
from licensegate.ledger.writer import LedgerWriter
from licensegate.records.contact import Contact
from licensegate.records.record import TunnelRecord
from support.ledger_entries import answer_of_product
from support.records import NOON, tunnel
from support.upstream import SECONDS

TOKYO = NamedClient("CUCM-PUB Tokyo", users=("pub",))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than a gate does."""
    monkeypatch.setattr(writer_module, "_GATHER_SECONDS", 0.02)
    monkeypatch.setattr(writer_module, "_FIRST_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(writer_module, "_LAST_RETRY_SECONDS", 0.1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE_NAME


def started(file: Path, *named: NamedClient) -> LedgerWriter:
    """A writer with the clock of the records: by this machine's, it forgets them once they are old enough."""
    return LedgerWriter(LedgerSettings(LedgerPlace(file)), ClientNames(named), lambda: NOON)


@pytest.fixture
def writer(file: Path) -> Iterator[LedgerWriter]:
    running = started(file, TOKYO)
    yield running
    running.close()


def answered(client: str = "10.1.2.3") -> TunnelRecord:
    return tunnel(client=client, contact=Contact.ANSWERED, answered_ms=500.0)


def entries(file: Path) -> list[LedgerEntry]:
    store = Store(LedgerPlace(file))
    store.open()
    try:
        return list(store.entries())
    finally:
        store.close()


def answers(file: Path) -> int:
    """The answers in the ledger; -1 while its writer makes the file, which nobody may open meanwhile."""
    try:
        return sum(entry.answered for entry in entries(file) if isinstance(entry, DayEntry))
    except LedgerUnavailableError:
        return -1


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the ledger did not get there"
        time.sleep(0.01)


def test_records_are_written(writer: LedgerWriter, file: Path) -> None:
    for number in range(3):
        writer.put([answered(f"10.0.0.{number}")])

    wait_for(lambda: file.exists() and answers(file) == 3)
    assert writer.dropped == 0


def test_closing_writes_what_waits(file: Path) -> None:
    running = started(file)
    for _ in range(1000):
        running.put([answered()])

    running.close()

    assert answers(file) == 1000


def test_a_file_belongs_to_its_owner_alone(writer: LedgerWriter, file: Path) -> None:
    wait_for(lambda: writer.is_working)

    assert file.stat().st_mode & 0o777 == 0o600


def test_how_a_named_client_stands_is_at_hand(file: Path) -> None:
    named = NamedClient("CUCM", networks=())
    running = started(file, named)
    store = Store(LedgerPlace(file))
    wait_for(lambda: running.is_working)
    store.open()
    store.add([ContactEntry(client=named.key, target="t:443", first_success=NOON, last_success=NOON)])
    store.close()

    running.adopt(LedgerSettings(LedgerPlace(file)), ClientNames([named]))

    wait_for(lambda: [stands.last_contact for _, stands in running.standings] == [NOON])
    running.close()
    assert [client for client, _ in running.standings] == [named]


def test_what_a_product_said_is_written_and_counts(file: Path) -> None:
    named = NamedClient(TOKYO.name)
    running = started(file, named)

    running.hear(answer_of_product())

    wait_for(lambda: [stands.said for _, stands in running.standings] == [answer_of_product().said])
    running.close()
    assert entries(file) == [answer_of_product()]


def test_a_locked_file_loses_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    running = started(file)
    wait_for(lambda: running.is_working)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    running.put([answered()])
    wait_for(lambda: running.is_working is False)

    running.put([answered()])
    other.rollback()
    other.close()

    wait_for(lambda: answers(file) == 2)
    wait_for(lambda: running.is_working)
    running.close()
    assert [message.partition(str(file))[2] for message in caplog.messages] == [
        " cannot be used: database is locked; contacts wait in memory",
        " can be used again",
    ]
    assert running.dropped == 0


def test_what_has_no_room_while_the_file_is_locked_is_counted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_MOST_RECORDS", 5)
    running = started(file)
    wait_for(lambda: running.is_working)
    running._stopping.set()  # the thread takes nothing more
    running._wake.set()
    running._thread.join()

    for _ in range(9):
        running.put([answered()])

    assert running.dropped == 4
    running.close()


def fill(file: Path, clients: int) -> None:
    """Make a ledger with so many clients."""
    store = Store(LedgerPlace(file))
    store.open()
    names = (f"10.{number // 62_500}.{number // 250 % 250}.{number % 250}" for number in range(clients))
    store.merge(DayEntry(client=ClientKey(ClientKind.ADDRESS, name), target="t", day=NOON.date()) for name in names)
    store.close()


@pytest.mark.parametrize("offset", [0, 16, 100, 4096, 8192 + 7, 60_000, -2000])
def test_a_corrupt_file_is_set_aside(file: Path, offset: int, caplog: pytest.LogCaptureFixture) -> None:
    fill(file, 2000)
    content = bytearray(file.read_bytes())
    start = offset % len(content)
    content[start : start + 900] = b"\xa5" * 900
    file.write_bytes(content)

    running = started(file)
    running.put([answered()])

    wait_for(lambda: list(file.parent.glob(f"{FILE_NAME}.corrupt-*")) and answers(file) == 1)
    running.close()
    (aside,) = file.parent.glob(f"{FILE_NAME}.corrupt-*")
    assert aside.read_bytes() == content
    assert len([message for message in caplog.messages if f"it is now called {aside.name}" in message]) == 1


@pytest.mark.parametrize("content", [b"not a database " * 1000, b"\0" * 9000], ids=["a text", "zeros"])
def test_a_file_that_is_no_database_is_set_aside(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    running = started(file)
    running.put([answered()])

    wait_for(lambda: running.is_working)
    running.close()

    assert answers(file) == 1
    assert [aside.read_bytes() for aside in file.parent.glob(f"{FILE_NAME}.corrupt-*")] == [content]


def test_a_file_that_is_damaged_while_it_is_open_is_set_aside(file: Path) -> None:
    fill(file, 30_000)  # more than SQLite keeps in memory
    running = started(file)
    wait_for(lambda: running.is_working)
    with file.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xa5" * (file.stat().st_size - 4096))

    for number in range(200):
        running.put([answered(f"10.0.{number}.9")])

    wait_for(lambda: list(file.parent.glob(f"{FILE_NAME}.corrupt-*")))
    running.close()
    assert answers(file) == 200


def test_a_file_that_was_removed_is_made_again(file: Path, writer: LedgerWriter) -> None:
    writer.put([answered()])
    wait_for(lambda: file.exists() and answers(file) == 1)
    for leftover in file.parent.glob(f"{FILE_NAME}*"):
        leftover.unlink()

    writer.put([answered()])

    wait_for(lambda: file.exists() and answers(file) == 1)
    assert writer.dropped == 0


def test_a_folder_that_is_missing_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "later" / FILE_NAME
    running = started(file)
    running.put([answered()])
    wait_for(lambda: running.is_working is False)

    file.parent.mkdir()

    wait_for(lambda: running.is_working)
    running.close()
    assert answers(file) == 1
    assert (
        len([message for message in caplog.messages if "it cannot be made: No such file or directory" in message]) == 1
    )


def test_other_settings_move_the_ledger(file: Path, writer: LedgerWriter, tmp_path: Path) -> None:
    writer.put([answered()])
    wait_for(lambda: file.exists() and answers(file) == 1)
    second = tmp_path / "second.sqlite3"

    writer.adopt(LedgerSettings(LedgerPlace(second)), ClientNames())
    writer.put([answered()])

    wait_for(lambda: second.exists() and answers(second) == 1)
    assert answers(file) == 1


def test_settings_without_a_ledger_end_it(file: Path, writer: LedgerWriter) -> None:
    wait_for(lambda: writer.is_working)

    writer.adopt(LedgerSettings(), ClientNames())
    wait_for(lambda: writer._store is None)
    writer.put([answered()])
    wait_for(lambda: not writer._queue)

    assert answers(file) == 0
    assert writer.dropped == 0


def test_a_hundred_thousand_records_are_all_counted(file: Path) -> None:
    running = started(file)
    for number in range(100_000):
        while len(running._queue) > 10_000:
            time.sleep(0.001)
        running.put([answered(f"10.0.{number % 4}.{number % 100}")])

    running.close()

    assert running.dropped == 0
    assert answers(file) == 100_000
    assert os.path.getsize(file) < 200_000
