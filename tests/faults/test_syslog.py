"""A log server that fails delays no tunnel, and costs only lines that are counted."""

import contextlib
import json
import logging
import os
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from licensegate.app.logs import connection, line_writer, server_sink
from licensegate.app.logs.line_writer import LineWriter
from licensegate.app.logs.open_sink import MOST_BYTES, open_sink
from licensegate.app.logs.sink import LogLine, LogSink, Severity
from licensegate.app.settings import Syslog
from licensegate.app.settings.log_place import log_file, read_log_place
from support.authority import Authority
from support.gate import Gate, cisco_at
from support.handed_over import STATE, HandedOver, open_things
from support.log_server import LogServer
from support.raw_client import ask, open_tunnel
from support.sockets import spin_until
from support.standin import StandIn
from support.upstream import closed_port

DENIED = b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n"


class Log:
    """A log to this place, and what was said of it."""

    def __init__(self, url: str, syslog: Syslog | None = None) -> None:
        self.said: list[tuple[int, str]] = []
        self._syslog = syslog or Syslog()
        self.writer = LineWriter(self.sink(url), "access log", lambda level, text: self.said.append((level, text)))
        self.count = 0

    def sink(self, url: str) -> LogSink:
        return open_sink(read_log_place(url, Path()), "log.access", self._syslog)

    def put(self, count: int = 1, text: str = "line") -> None:
        for _ in range(count):
            self.count += 1
            self.writer.put(LogLine(f"{text} {self.count}".encode(), Severity.INFO, time.time()))

    def await_said(self, words: str) -> None:
        spin_until(lambda: any(words in text for _, text in self.said))

    def errors(self) -> int:
        return sum(level == logging.ERROR for level, _ in self.said)


@contextlib.contextmanager
def log_to(url: str, syslog: Syslog | None = None) -> Iterator[Log]:
    log = Log(url, syslog)
    try:
        yield log
    finally:
        log.writer.close()


@pytest.fixture(autouse=True)
def _few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_writer, "_MAX_LINES", 50)
    monkeypatch.setattr(line_writer, "_LAST_WRITE_SECONDS", 0.5)
    monkeypatch.setattr(server_sink, "_LONGEST_WAIT_SECONDS", 0.25)


def refused(gate: Gate, count: int = 1) -> None:
    for _ in range(count):
        assert ask(gate, DENIED).status == 403


def test_a_server_down_at_the_start_or_later_stops_no_tunnel(tmp_path: Path, standin: StandIn) -> None:
    server = LogServer()
    settings = cisco_at(standin.port, admin="127.0.0.1:0").replace("access.jsonl", server.url)
    with Gate(tmp_path, settings) as gate:
        said = f"cannot write the access log: nobody listens at {server.url}; start the server, or correct log.access"
        spin_until(lambda: any(said in line for line in gate.stderr))
        base = open_things(gate.pid)
        refused(gate, 3)
        open_tunnel(gate).close()
        with server:
            assert [record["outcome"] for record in server.records(4)][:3] == ["target_not_allowed"] * 3
            gate.await_line("the access log is written again")
            refused(gate)
            server.records(5)
        refused(gate)
        gate.await_line("cannot write the access log")
        open_tunnel(gate).close()
        with server:
            server.records(7)
            gate.await_line("the access log is written again")
        spin_until(lambda: open_things(gate.pid)["threads"] <= base["threads"])
        open_tunnel(gate).close()
        spin_until(lambda: not open_things(gate.pid) - base)
    assert not any("has lost" in line for line in gate.stderr[:-1]), "one record may wait for a server at the stop"


def test_a_stalled_server_costs_counted_lines_and_no_time() -> None:
    with LogServer() as server:
        server.stalled.set()
        with log_to(server.url) as log:
            while log.writer.losses.get("queue_full", 0) < 20:
                log.put(10, "x" * 8000)
            assert [text for _, text in log.said] == [
                "the access log is not being read: its lines are dropped until it is"
            ]
            server.stalled.clear()
            log.await_said("is written again, and has lost")
            dropped = log.writer.dropped
            log.put()
            spin_until(lambda: server.messages[-1:] and server.messages[-1].endswith(b"line %d" % log.count))
            assert len(server.messages) == log.count - dropped, "no frame was lost or came twice"


def test_lines_wait_for_a_server_until_the_queue_is_full() -> None:
    server = LogServer()
    with log_to(server.url) as log:
        log.await_said("nobody listens")
        log.put(60)
        assert log.writer.losses == {"not_connected": 10}
        assert log.errors() == 2, "one for the server and one for the first line that was dropped"
        with server:
            spin_until(lambda: len(server.messages) == 50)
            log.await_said("is written again, and has lost 10 lines so far")
    assert server.texts == [f"line {number}" for number in range(1, 51)]


@pytest.mark.parametrize(
    ("tls", "says_so"), [(False, False), (True, False), (True, True)], ids=["tcp", "tls", "notify"]
)
def test_a_server_that_closes_idle_connections_costs_no_line(tmp_path: Path, tls: bool, says_so: bool) -> None:
    authority = Authority(tmp_path)
    context = None
    if tls:
        leaf = authority.issue("localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf.chain, leaf.key)
    server = LogServer(context)
    url = server.url.replace("127.0.0.1", "localhost")
    with server, log_to(url, Syslog(ca=authority.root)) as log:
        server.hangs_up, server.says_so = True, says_so
        for _ in range(5):
            log.put()
            spin_until(lambda: len(server.messages) == log.count)
            server.await_hung_up()
        assert server.texts == [f"line {number}" for number in range(1, 6)]
        assert not log.writer.losses
        assert not log.said


def test_a_stop_counts_the_lines_that_no_server_took() -> None:
    with log_to(f"syslog+tcp://127.0.0.1:{closed_port()}") as log:
        log.put(3)
    assert log.writer.losses == {"at_stop": 3}
    assert "the access log has lost 3 lines so far" in log.said[-1][1]


def test_a_stop_sends_what_waits() -> None:
    with LogServer() as server:
        with log_to(server.url) as log:
            log.put(40)
        spin_until(lambda: len(server.messages) == 40)
    assert not log.writer.losses


@pytest.mark.parametrize("others", ["another authority", "another name", "no TLS"])
def test_tls_that_cannot_be_trusted_gets_no_line(tmp_path: Path, others: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 1.0)
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "somebody else's CA")
    leaf = (theirs if others == "another authority" else ours).issue("logs.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.chain, leaf.key)
    with LogServer(None if others == "no TLS" else context) as server:
        url = f"syslog+tls://127.0.0.1:{server.port}"
        with log_to(url, Syslog(ca=ours.root)) as log:
            log.put()
            log.await_said("a server without TLS" if others == "no TLS" else "log.syslog_ca")
    assert not server.messages
    assert sum("cannot write" in text for _, text in log.said) == 1


def test_a_name_is_looked_up_again_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, known = socket.getaddrinfo, threading.Event()

    def answer(host: str, *rest: object, **named: object) -> object:
        if not known.is_set():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up("127.0.0.1", *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with LogServer() as server, log_to(f"syslog+tcp://logs.invalid:{server.port}") as log:
        log.put()
        log.await_said("the name logs.invalid does not resolve (Name or service not known); add it to DNS")
        known.set()
        spin_until(lambda: server.messages)
    assert server.texts == ["line 1"]


def test_a_look_up_that_hangs_holds_up_no_change_and_no_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 3600.0)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *rest, **named: answered.wait() and [])
    before = threading.active_count()
    with log_to("syslog+tcp://logs.invalid") as log:
        log.put(3)
        log.writer.write_to(open_sink(log_file(tmp_path / "access.log"), "log.access", Syslog()))
        spin_until(lambda: (tmp_path / "access.log").read_text() == "line 1\nline 2\nline 3\n")
        log.writer.write_to(log.sink("syslog+tcp://logs.invalid"))
        log.put()
    assert log.writer.losses == {"at_stop": 1}
    answered.set()
    spin_until(lambda: threading.active_count() <= before)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["datagrams", "stream"])
def test_a_socket_that_is_made_again_gets_the_next_lines(tmp_path: Path, kind: socket.SocketKind) -> None:
    path = tmp_path / "log"

    def listening() -> socket.socket:
        made = socket.socket(socket.AF_UNIX, kind)
        made.bind(str(path))
        if kind is socket.SOCK_STREAM:
            made.listen()
        return made

    def receive(sock: socket.socket) -> bytes:
        return sock.recv(1000)

    with listening() as first, log_to(f"syslog://{path}") as log:
        taker = first if kind is socket.SOCK_DGRAM else first.accept()[0]
        log.put()
        assert re.fullmatch(rb"<134>.* licensegate\[\d+\]: line 1\n?", receive(taker))
        taker.close()
        first.close()
        path.unlink()
        log.put()
        log.await_said(f"syslog://{path} is not there; start the daemon that makes it, or correct log.access")
        with listening() as second:
            taker = second if kind is socket.SOCK_DGRAM else second.accept()[0]
            assert receive(taker).strip().endswith(b"line 2")
            log.await_said("is written again")
            taker.close()
    assert not log.writer.losses


def test_a_datagram_that_nobody_takes_is_noticed_and_counted() -> None:
    port = closed_port()
    with log_to(f"syslog+udp://127.0.0.1:{port}") as log:
        log.put()
        spin_until(lambda: not log.writer._queue and not log.writer._batch)
        log.put(3)
        log.await_said(f"nobody listens at syslog+udp://127.0.0.1:{port}")
        assert log.writer.losses == {"write_error": 1}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", port))
            taken = [server.recv(2000).rpartition(b"line ")[2] for _ in range(3)]
            log.await_said("is written again")
    assert taken == [b"2", b"3", b"4"]
    assert log.errors() == 1


def test_a_line_that_is_too_long_is_cut_and_counted() -> None:
    with LogServer() as server, log_to(server.url) as log:
        log.put(1, "é" * MOST_BYTES)
        log.put()
        spin_until(lambda: len(server.messages) == 2)
    assert MOST_BYTES - 1 <= len(server.messages[0]) <= MOST_BYTES
    assert server.messages[0].decode().endswith("é")
    assert log.writer.losses == {"too_long": 1}


def test_the_losses_of_a_gate_are_metrics_by_reason(tmp_path: Path, standin: StandIn) -> None:
    settings = cisco_at(standin.port, admin="127.0.0.1:0").replace("access.jsonl", "/dev/full")
    with Gate(tmp_path, settings) as gate:
        refused(gate, 2)
        gate.await_line("cannot write the access log: /dev/full: No space left on device")
        admin = re.search(r"admin on ([0-9.:]+)", "\n".join(gate.stderr))
        assert admin is not None
        host, _, port = admin[1].rpartition(":")
        spin_until(lambda: 'licensegate_log_dropped_total{log="access",reason="disk_full"} 2.0' in page(host, port))
        assert 'licensegate_log_lines_dropped_total{log="access"} 2.0' in page(host, port)
        open_tunnel(gate).close()


def page(host: str, port: str) -> str:
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()


def test_both_processes_of_a_handover_send_their_records(tmp_path: Path, standin: StandIn) -> None:
    with LogServer() as server:
        settings = cisco_at(standin.port, more=STATE).replace("access.jsonl", server.url)
        settings = settings.replace("127.0.0.1:0", f"127.0.0.1:{closed_port()}")
        with HandedOver(tmp_path, settings) as gate:
            tunnel = open_tunnel(gate)
            refused(gate)
            server.records(1)
            assert gate.hand_over(drain_seconds=20).ok
            refused(gate)
            tunnel.close()
            gate.await_old_end()
            records = server.records(3)
    assert sorted(record["outcome"] for record in records)[1:] == ["target_not_allowed"] * 2


def test_a_killed_gate_loses_only_its_last_lines(tmp_path: Path, standin: StandIn) -> None:
    """What is lost at SIGKILL: the lines that had not been written yet, never one in between."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    with LogServer() as server:
        places: dict[str, Callable[[], list[dict[str, object]]]] = {
            "file.jsonl": lambda: parsed((tmp_path / "file.jsonl").read_bytes()),
            "pipe": lambda: parsed(os.read(reader, 1 << 20)),
            server.url: server.records,
        }
        for place, read in places.items():
            asked, written = 0, list[dict[str, object]]()
            with Gate(tmp_path, cisco_at(standin.port).replace("access.jsonl", place)) as gate:
                while not written:
                    refused(gate)
                    asked += 1
                    with contextlib.suppress(BlockingIOError):
                        written += read()
                for _ in range(50):
                    refused(gate)
                gate.send(signal.SIGKILL)
                with pytest.raises(AssertionError, match="ended with -9"):
                    gate.await_end()
            after = written
            with contextlib.suppress(BlockingIOError):
                after = read() if place != "pipe" else written + read()
            numbers = [int(str(record["id"])[-8:], 16) for record in after]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a gap, or a line twice"
            assert len(written) <= len(after) <= asked + 50
    os.close(reader)


def parsed(text: bytes) -> list[dict[str, object]]:
    """The records of the whole lines."""
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
