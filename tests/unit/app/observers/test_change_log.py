"""The log of changes: where they are said and written, and what is lost."""

import contextlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from licensegate.app.logs.open_sink import LogPlaceError
from licensegate.app.observers.change_log import MOST_KEPT, ChangeLog
from licensegate.app.observers.opened_logs import OpenedLogs, open_logs
from licensegate.app.settings import Log
from licensegate.app.settings.log_place import STANDARD_OUTPUT, log_file
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester
from support.sockets import spin_until

NOWHERE = log_file(os.devnull)
ROOT = Requester(0, "root")


@contextlib.contextmanager
def change_log(settings: Log) -> Iterator[ChangeLog]:
    log = ChangeLog(settings, open_logs(settings).changes)
    try:
        yield log
    finally:
        log.close()


def at(path: Path) -> Log:
    return Log(NOWHERE, changes=log_file(path))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def words(message: str) -> str:
    """The last word of a message, which is what the test has written."""
    return message.rpartition(" ")[2]


def messages(path: Path) -> list[str]:
    return [words(line["message"]) for line in lines(path)]


def test_a_change_is_said_and_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with change_log(at(tmp_path / "changes.jsonl")) as log, caplog.at_level(logging.INFO):
        log.write(ChangeKind.RELOAD, ROOT, what="so")

    (line,) = lines(tmp_path / "changes.jsonl")
    assert (line["kind"], line["ok"], line["by"]) == ("reload", True, [{"uid": 0, "user": "root"}])
    assert line["process"]["pid"] == os.getpid()
    assert caplog.messages == ["reload requested by uid 0 (root): so"]


def test_a_file_of_changes_is_closed_to_others(tmp_path: Path) -> None:
    with change_log(at(tmp_path / "changes.jsonl")):
        assert (tmp_path / "changes.jsonl").stat().st_mode & 0o7027 == 0


@pytest.mark.parametrize(("has_place", "said"), [(False, ["stopping: so"]), (True, [])])
def test_without_a_place_changes_are_said_whatever_the_level(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, has_place: bool, said: list[str]
) -> None:
    settings = at(tmp_path / "changes.jsonl") if has_place else Log(NOWHERE)
    monkeypatch.setattr(logging.getLogger(), "level", logging.ERROR)
    with change_log(settings) as log:
        log.write(ChangeKind.STOP, what="so")

    assert caplog.messages == said


def test_after_a_rotation_changes_go_to_the_new_file(tmp_path: Path) -> None:
    path, old = tmp_path / "changes.jsonl", tmp_path / "changes.jsonl.1"
    with change_log(at(path)) as log:
        log.write(ChangeKind.RELOAD, what="one")
        spin_until(lambda: messages(path) == ["one"])
        path.rename(old)
        log.adopt(at(path), open_logs(at(path)).changes)
        log.write(ChangeKind.RELOAD, what="two")

    assert (messages(old), messages(path)) == (["one"], ["two"])


@pytest.mark.parametrize("moved", [True, False], ids=["moved", "given up"])
def test_the_change_of_the_place_is_the_last_line_at_the_old_one(tmp_path: Path, moved: bool) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    before, after = at(old), at(new) if moved else Log(NOWHERE)
    with change_log(before) as log:
        log.write(ChangeKind.START, what="one")
        log.adopt(after, open_logs(after).changes)
        log.write(ChangeKind.RELOAD, what="two")
        log.write(ChangeKind.STOP, what="three")
        spin_until(lambda: messages(old) == ["one", "two"])
        spin_until(lambda: not open_at(old))

    assert messages(new) == ["two", "three"] if moved else not new.exists()


def open_at(path: Path) -> bool:
    names = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return any(os.path.realpath(name) == str(path) for name in names)


def test_a_line_that_cannot_be_written_is_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    with change_log(Log(NOWHERE, changes=log_file("/dev/full"))) as log:
        log.write(ChangeKind.RELOAD, what="so")
        spin_until(lambda: log.dropped == 1)
        after = Log(NOWHERE)
        log.adopt(after, None)
        log.write(ChangeKind.RELOAD, what="so")
        spin_until(lambda: "the change log has lost 2 lines so far" in caplog.messages)

    assert "cannot write the change log: /dev/full: No space left on device" in caplog.messages


def test_changes_and_records_may_share_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with change_log(Log(changes=STANDARD_OUTPUT)) as log:
        log.write(ChangeKind.START, what="so")

    assert json.loads(capfdbinary.readouterr().out)["message"] == "ready: so"


def test_the_last_changes_are_kept() -> None:
    with change_log(Log(NOWHERE)) as log:
        for number in range(MOST_KEPT + 5):
            log.write(ChangeKind.RELOAD, what=str(number))

    assert [words(change.message) for change in log.recent] == [str(number) for number in range(5, MOST_KEPT + 5)]


def test_an_unusable_place_of_changes_leaves_no_log_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(LogPlaceError, match=r"log\.changes: cannot write .*: it is a folder"):
        open_logs(Log(NOWHERE, changes=log_file(tmp_path)))

    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_opened_logs_are_closed_if_they_are_not_adopted(tmp_path: Path) -> None:
    opened = open_logs(at(tmp_path / "changes.jsonl"))
    adopted: list[OpenedLogs] = []
    with pytest.raises(LookupError), opened.adopted_by(adopted.append):
        raise LookupError

    assert not adopted
    assert not open_at(tmp_path / "changes.jsonl")
