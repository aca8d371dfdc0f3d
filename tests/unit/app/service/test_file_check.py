"""The look for changed files: what it adopts, and what it says of files that cannot be read."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable

import pytest

from licensegate.app.service import file_check
from licensegate.app.service.file_check import FileCheck


class Files:
    """Files that a test lets hang or fail at their next look."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.may_be_read = threading.Event()
        self.may_be_read.set()
        self.threads: set[threading.Thread] = set()

    def look(self) -> bool:
        self.threads.add(threading.current_thread())
        self.may_be_read.wait()
        if self.errors:
            raise self.errors.pop()
        return False


class Checked:
    """A check of `files`, which a test may exchange, and how often it has adopted what was read."""

    def __init__(self) -> None:
        self.files = Files()
        self.adopted: list[threading.Thread] = []
        self.kept: list[str] = []

    async def adopt(self) -> None:
        self.adopted.append(threading.current_thread())

    async def adopts(self) -> None:
        """Wait until it has adopted once more."""
        before = len(self.adopted)
        while len(self.adopted) == before:
            await asyncio.sleep(0)


def while_looking(story: Callable[[Checked], Awaitable[None]]) -> None:
    async def main() -> None:
        checked = Checked()
        check = FileCheck("users", "the users stay", lambda: checked.files, checked.adopt, OSError, checked.kept.append)
        looking = asyncio.create_task(check.keep_looking())
        await story(checked)
        looking.cancel()

    asyncio.run(main())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_check, "CHECK_SECONDS", 0)


def test_files_are_read_in_a_thread_and_adopted_on_the_event_loop() -> None:
    async def story(checked: Checked) -> None:
        await checked.adopts()
        await checked.adopts()
        assert threading.main_thread() not in checked.files.threads
        assert set(checked.adopted) == {threading.main_thread()}

    while_looking(story)


def test_files_that_cannot_be_used_are_named_and_looked_at_again() -> None:
    async def story(checked: Checked) -> None:
        checked.files.errors.append(OSError("users, line 1: no colon"))
        await checked.adopts()
        assert checked.kept == ["the users stay: users, line 1: no colon"]

    while_looking(story)


def test_a_fault_of_the_gate_does_not_end_the_looks(caplog: pytest.LogCaptureFixture) -> None:
    async def story(checked: Checked) -> None:
        checked.files.errors.append(IndexError("a fault"))
        await checked.adopts()

    while_looking(story)

    assert "IndexError: a fault" in caplog.text


@pytest.fixture
def hangs_at_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(file_check, "_HANGS_SECONDS", 0.05)
    caplog.set_level(logging.INFO)


@pytest.mark.usefixtures("hangs_at_once")
def test_a_look_that_hangs_is_reported_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    async def story(checked: Checked) -> None:
        checked.files.may_be_read.clear()
        while not caplog.messages:
            await asyncio.sleep(0)
        threads = threading.active_count()
        for _ in range(1000):
            await asyncio.sleep(0)
        assert threading.active_count() == threads
        checked.files.may_be_read.set()
        await checked.adopts()

    while_looking(story)

    assert [message.partition(" for ")[0] for message in caplog.messages[:2]] == [
        "the users stay: the files have not been read",
        "the files of the users can be read again",
    ]


@pytest.mark.usefixtures("hangs_at_once")
def test_other_files_are_looked_at_while_the_old_ones_hang(caplog: pytest.LogCaptureFixture) -> None:
    """A reload has named other files meanwhile."""

    async def story(checked: Checked) -> None:
        hang = checked.files
        hang.may_be_read.clear()
        while not caplog.messages:
            await asyncio.sleep(0)
        checked.files = Files()
        await checked.adopts()
        await checked.adopts()
        assert checked.files.threads
        hang.may_be_read.set()

    while_looking(story)
