"""The access log: lines, files, stalled readers and full disks."""

import contextlib
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from licensegate.app.logs import line_writer
from licensegate.app.logs.file_sink import FileSink
from licensegate.app.logs.open_sink import LogPlaceError, NoReaderError
from licensegate.app.observers.access_log import AccessLog, open_access_log
from licensegate.app.settings import Log
from licensegate.app.settings.log_place import log_file
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord, open_record
from support.sockets import run, spin_until, until


def record(outcome: Outcome | None = Outcome.TARGET_NOT_ALLOWED, detail: str = "") -> TunnelRecord:
    made = open_record("192.0.2.9", 4711, "127.0.0.1:3128")
    if outcome is None:
        made.event = "start"
    else:
        made.end(outcome, detail)
    return made


class Reader:
    """A pipe whose reader reads only when a test says so."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.path = str(path)
        self.text = b""

    def stall(self) -> None:
        """Fill the pipe, so that the next write to it blocks."""
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self._descriptor, b"\n" * 4096)

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._descriptor, 1 << 20):
                self.text += data

    @property
    def lines(self) -> list[dict[str, object]]:
        """The lines read so far, parsed."""
        whole = self.text[: self.text.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines() if line]

    def close(self) -> None:
        os.close(self._descriptor)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path / "pipe")
    yield made
    made.close()


@pytest.fixture
def quick_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_writer, "_LAST_WRITE_SECONDS", 0.05)


def test_each_record_is_one_line_in_order(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    records = [record(detail="ü\n\u2028"), record(None), record(Outcome.CLOSED_BY_CLIENT)]
    with contextlib.closing(AccessLog(Log(log_file(path)))) as log:
        log.observe(records[:1])
        log.observe(records[1:])

    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["id"] for line in lines] == [each.id for each in records]
    assert [line["event"] for line in lines] == ["end", "start", "end"]
    assert lines[0]["detail"] == "ü\n\u2028"
    assert lines[2]["outcome"] == "closed_by_client"


def test_a_balancers_tls_checks_leave_one_line(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    with contextlib.closing(AccessLog(Log(log_file(path)))) as log:
        for _ in range(100):
            log.observe([record(Outcome.CLOSED_AFTER_HANDSHAKE)])
    assert path.read_bytes().count(b"closed_after_handshake") == 1


def test_an_unused_connection_is_not_logged(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    with contextlib.closing(AccessLog(Log(log_file(path)))) as log:
        log.observe([record(Outcome.CLOSED_UNUSED)])
    assert path.read_bytes() == b""
    assert log.dropped == 0


def test_a_line_is_written_while_the_gate_runs(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    with contextlib.closing(AccessLog(Log(log_file(path)))) as log:
        log.observe([record()])
        spin_until(lambda: path.read_bytes().endswith(b"\n"))
        assert path.read_bytes().count(b"\n") == 1


def test_the_file_is_appended_to_and_not_world_readable(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"
    for _ in range(2):
        with contextlib.closing(AccessLog(Log(log_file(path)))) as log:
            log.observe([record()])
    assert path.read_bytes().count(b"\n") == 2
    assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO


def test_a_dash_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with contextlib.closing(AccessLog(Log())) as log:
        log.observe([record()])
    out = capfdbinary.readouterr().out
    assert json.loads(out)["event"] == "end"
    os.fstat(1)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: None], ids=["a folder", "in no folder"])
def test_an_error_names_the_destination_and_the_setting(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "place"
    make(path)
    destination = path if path.exists() else path / "access.jsonl"
    with pytest.raises(LogPlaceError) as refused:
        AccessLog(Log(log_file(destination)))
    assert str(destination) in str(refused.value)
    assert "log.access" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_pipe_without_a_reader_blocks_neither_start_nor_reload(tmp_path: Path, reader: Reader) -> None:
    unread = str(tmp_path / "unread")
    os.mkfifo(unread)
    with pytest.raises(LogPlaceError, match=f"log.access: cannot write {unread}: this pipe has no reader"):
        AccessLog(Log(log_file(unread)))
    with contextlib.closing(AccessLog(Log(log_file(reader.path)))) as log:
        with pytest.raises(LogPlaceError):
            open_access_log(Log(log_file(unread)))
        log.observe([record()])
        spin_until(lambda: len(reader.lines) == 1, reader.read)


def test_a_stalled_reader_costs_counted_lines_but_no_time(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(line_writer, "_MAX_LINES", 50)
    reader.stall()
    with contextlib.closing(AccessLog(Log(log_file(reader.path), lines_per_client=0))) as log:
        sent = 0
        while log.dropped < 20:
            log.observe([record() for _ in range(10)])
            sent += 10
        assert sum("not being read" in line.getMessage() for line in caplog.records) == 1, (
            "reported at once, and only once"
        )
        spin_until(lambda: len(reader.lines) == sent - log.dropped, reader.read)
        log.observe([record(Outcome.CLOSED_BY_CLIENT)])
        spin_until(lambda: reader.lines[-1]["outcome"] == "closed_by_client", reader.read)
        spin_until(lambda: any(f"{log.dropped} lines" in line.getMessage() for line in caplog.records))

    assert reader.text.endswith(b"\n")


@pytest.mark.usefixtures("quick_to_give_up")
def test_logs_opened_while_the_reader_stalls_are_closed(reader: Reader) -> None:
    reader.stall()
    settings = Log(log_file(reader.path))
    log = AccessLog(settings)
    log.observe([record()])
    sinks = [open_access_log(settings) for _ in range(20)]
    opened = [sink.descriptor for sink in sinks if isinstance(sink, FileSink)]
    for sink in sinks:
        log.adopt(settings, sink)
    still_open = [descriptor for descriptor in opened if os.path.exists(f"/proc/self/fd/{descriptor}")]
    assert still_open in (opened[-1:], opened[-2:]), "the last one waits for the writer, which may have taken one"
    reader.read()
    log.close()
    reader.read()
    assert len(reader.lines) == 1


@pytest.mark.usefixtures("quick_to_give_up")
def test_long_waiting_lines_are_bounded_in_bytes(reader: Reader) -> None:
    reader.stall()
    log = AccessLog(Log(log_file(reader.path), lines_per_client=0))
    for _ in range(40):
        log.observe([record(detail="x" * 60_000)] * 10)
    assert 0 < 400 - log.dropped <= (1 << 24) // 60_000 + 1
    log.close()
    reader.read()


@pytest.mark.usefixtures("quick_to_give_up")
def test_closing_gives_up_on_a_stalled_reader_and_reports_losses(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.stall()
    log = AccessLog(Log(log_file(reader.path)))
    log.observe([record(), record(Outcome.CLOSED_UNUSED), record()])
    log.close()
    assert log.dropped == 2
    assert any("2 lines" in line.getMessage() for line in caplog.records)
    reader.read()


def test_a_full_disk_costs_lines_that_are_counted_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    with contextlib.closing(AccessLog(Log(log_file("/dev/full")))) as log:
        log.observe([record(), record()])
        spin_until(lambda: log.dropped == 2)
        log.observe([record()])
        spin_until(lambda: log.dropped == 3)
    reported = [line.getMessage() for line in caplog.records]
    assert any("/dev/full" in line and "No space left on device" in line for line in reported)
    assert any("3 lines" in line for line in reported)


def test_after_a_partial_line_the_next_starts_on_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nearly full disk takes part of a line. When it has room again, the rest of that line is lost."""
    path, room = tmp_path / "access.jsonl", [100]
    write = os.write

    def write_partly(descriptor: int, data: memoryview) -> int:
        taken = min(room[0], len(data))
        if not taken:
            raise OSError(28, "No space left on device")
        room[0] -= taken
        return write(descriptor, bytes(data[:taken]))

    with contextlib.closing(AccessLog(Log(log_file(path)))) as log:
        monkeypatch.setattr(os, "write", write_partly)
        log.observe([record(), record()])
        spin_until(lambda: log.dropped == 2)
        log.observe([record()])
        spin_until(lambda: log.dropped == 3)
        room[0] = 10_000
        log.observe([record(Outcome.CLOSED_BY_CLIENT), record()])
    assert log.dropped == 3
    partial, whole, last, rest = path.read_bytes().split(b"\n")
    assert len(partial) == 100
    assert json.loads(whole)["outcome"] == "closed_by_client"
    assert json.loads(last)["outcome"] == "target_not_allowed"
    assert rest == b""


def test_too_many_records_of_a_second_are_summarised_within_the_next(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"

    def lines() -> list[dict[str, object]]:
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    async def main() -> None:
        with contextlib.closing(AccessLog(Log(log_file(path), lines_per_client=2))) as log:
            log.observe([record() for _ in range(1000)])
            await until(lambda: any(line["event"] == "summary" for line in lines()))

    run(main())
    assert [line["event"] for line in lines()] == ["end", "end", "summary"]
    assert lines()[-1]["count"] == 998
    assert lines()[-1]["outcome"] == "target_not_allowed"


def test_closing_writes_the_summaries_that_wait(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"

    async def main() -> None:
        with contextlib.closing(AccessLog(Log(log_file(path), lines_per_client=1))) as log:
            log.observe([record() for _ in range(5)])

    run(main())
    assert [json.loads(line).get("count", 1) for line in path.read_bytes().splitlines()] == [1, 4]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("socket", "it is a socket; name a file", id="socket"),
        pytest.param("file/access.jsonl", "file is not a folder; name a file in one", id="below a file"),
        pytest.param("link", "there is no folder {}/elsewhere; make it", id="behind a broken link"),
    ],
)
def test_a_log_of_another_kind_will_never_open(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "access.jsonl")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
        with pytest.raises(LogPlaceError) as refused:
            AccessLog(Log(log_file(tmp_path / name)))
    assert words.format(tmp_path) in str(refused.value)
    assert not isinstance(refused.value, NoReaderError)
