"""The relay delivers bytes intact when an end half-closes, resets, or does not read."""

import queue
import random
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.gate import ANYTHING, Gate, cisco_at
from support.raw_client import CONNECT, Dial, break_off, dial, open_tunnel, plain_and_tls, read_to_break, read_to_end
from support.tls_memory import MemoryTlsClient, client_context
from support.upstream import SECONDS, Upstream

MIB = 1 << 20
BLOB = random.Random(3).randbytes(20 * MIB)
NOTE = b"what was said before the end " * 4000
"""116 kB: more than the gate reads at once, less than the kernel buffers for a slow reader."""


def gate_to(upstream: Upstream, folder: Path) -> Gate:
    """A gate whose tools.cisco.com is `upstream`."""
    return Gate(folder, cisco_at(upstream.port, more=ANYTHING))


def test_a_client_that_ends_first_still_gets_the_answer(tmp_path: Path) -> None:
    def answer_after_the_end(connection: socket.socket) -> None:
        connection.sendall(read_to_end(connection)[::-1])

    with Upstream(answer_after_the_end) as upstream, gate_to(upstream, tmp_path) as gate:
        with open_tunnel(gate) as client:
            client.sendall(NOTE)
            client.shutdown(socket.SHUT_WR)
            assert read_to_end(client) == NOTE[::-1]
        (record,) = gate.records(1)

    assert record["outcome"] == "closed_by_client"
    assert record["upstream_written"] == record["upstream_read"] == len(NOTE)


@plain_and_tls
def test_an_upstream_that_ends_first_still_gets_the_answer(tmp_path: Path, dial: Dial) -> None:
    heard: list[bytes] = []

    def end_then_listen(connection: socket.socket) -> None:
        connection.sendall(NOTE)
        connection.shutdown(socket.SHUT_WR)
        heard.append(read_to_end(connection))

    with Upstream(end_then_listen) as upstream, gate_to(upstream, tmp_path) as gate:
        with open_tunnel(gate, dial=dial) as client:
            assert read_to_end(client) == NOTE
            client.sendall(NOTE[::-1])
        (record,) = gate.records(1)

    assert heard == [NOTE[::-1]]
    assert record["outcome"] == "closed_by_upstream"


@plain_and_tls
@pytest.mark.parametrize(
    "size", [1, len(NOTE), len(BLOB)], ids=["a byte", "more than one read", "all that the buffers hold"]
)
def test_data_before_an_upstreams_reset_reaches_a_slow_client(tmp_path: Path, size: int, dial: Dial) -> None:
    taken: queue.Queue[int] = queue.Queue()

    def send_and_break_off(connection: socket.socket) -> None:
        connection.recv(1)  # wait until the gate knows that it is connected
        taken.put(write_until_it_stops(connection, BLOB[:size]) - break_off(connection))

    with Upstream(send_and_break_off) as upstream, gate_to(upstream, tmp_path) as gate:
        with open_tunnel(gate, dial=dial) as client:
            client.sendall(b"?")
            sent = taken.get(timeout=SECONDS)
            received = read_to_break(client)
        (record,) = gate.records(1)

    assert len(received) >= sent
    assert received == BLOB[: len(received)]
    assert record["outcome"] == "reset_by_upstream"


@plain_and_tls
def test_data_before_a_clients_reset_reaches_the_upstream(tmp_path: Path, dial: Dial) -> None:
    heard: list[bytes] = []

    with (
        Upstream(lambda connection: heard.append(read_to_break(connection))) as upstream,
        gate_to(upstream, tmp_path) as gate,
    ):
        client = open_tunnel(gate, dial=dial)
        client.sendall(NOTE)
        break_off(client)
        (record,) = gate.records(1)

    assert heard == [NOTE]
    assert record["outcome"] == "reset_by_client"


def test_20_mib_each_way_at_once_arrive_intact(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def send_and_listen(connection: socket.socket) -> None:
        with sending(connection, BLOB):
            heard.append(read_to_end(connection))

    with Upstream(send_and_listen) as upstream, gate_to(upstream, tmp_path) as gate:
        with open_tunnel(gate) as client, sending(client, BLOB[::-1]):
            received = read_to_end(client)
        (record,) = gate.records(1)

    assert received == BLOB
    assert heard == [BLOB[::-1]]
    assert record["upstream_written"] == record["upstream_read"] == len(BLOB)


def test_20_mib_each_way_at_once_arrive_intact_over_tls(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def send_and_listen(connection: socket.socket) -> None:
        with sending(connection, BLOB):
            heard.append(read_to_end(connection))

    with Upstream(send_and_listen) as upstream, gate_to(upstream, tmp_path) as gate:
        with dial(gate) as connection:
            client = DuplexTlsClient(connection)
            client.send(CONNECT)
            client.send(BLOB[::-1])
            client.close_notify()
            received = client.read_to_end()
        (record,) = gate.records(1)

    assert received.partition(b"\r\n\r\n")[2] == BLOB
    assert heard == [BLOB[::-1]]
    assert record["upstream_written"] == record["upstream_read"] == len(BLOB)
    assert record["outcome"] in {"closed_by_client", "closed_by_upstream"}, "both end at once"


@contextmanager
def sending(connection: socket.socket, data: bytes) -> Iterator[None]:
    """Send `data` and end that side in a thread while the block runs."""

    def send() -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join()


FLOOD = 128 * MIB
"""More than the kernel buffers on both legs (about 20 MiB): a gate that read on would have to hold the rest."""


@plain_and_tls
@pytest.mark.parametrize("reader", ["client", "upstream"])
def test_an_end_that_never_reads_stops_the_writer_and_costs_no_memory(tmp_path: Path, reader: str, dial: Dial) -> None:
    written: queue.Queue[int] = queue.Queue()
    done = threading.Event()

    def upstream_side(connection: socket.socket) -> None:
        if reader == "client":
            written.put(write_until_it_stops(connection, bytes(FLOOD)))
        done.wait()

    with Upstream(upstream_side) as upstream, gate_to(upstream, tmp_path) as gate:
        try:
            with open_tunnel(gate, dial=dial) as client:
                before = gate.resident_bytes()
                if reader == "upstream":
                    written.put(write_until_it_stops(client, bytes(FLOOD)))
                taken = written.get(timeout=SECONDS)
                grown = gate.resident_bytes() - before
        finally:
            done.set()

    assert taken < FLOOD
    assert grown < 8 * MIB


class DuplexTlsClient:
    """A client with TLS to the gate that sends and receives at the same time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._connection.setblocking(False)
        self._tls = MemoryTlsClient(client_context(None), "127.0.0.1")  # no server name is sent for an address
        self._unsent = memoryview(b"")
        while not self._tls.handshake():
            self._unsent = memoryview(self._tls.take_ciphertext())
            self._move()
        self._unsent = memoryview(self._tls.take_ciphertext())

    def send(self, plaintext: bytes) -> None:
        """Queue data for `read_to_end` to send."""
        self._unsent = memoryview(bytes(self._unsent) + self._tls.encrypt(plaintext))

    def close_notify(self) -> None:
        """Queue close_notify after the data."""
        self._unsent = memoryview(bytes(self._unsent) + self._tls.close_notify())

    def read_to_end(self) -> bytes:
        """Send what is queued and read until the gate's close_notify."""
        heard = []
        while self._unsent or not self._tls.received_close_notify:
            self._move()
            heard.append(self._tls.decrypt())
        return b"".join(heard)

    def _move(self) -> None:
        readers = [] if self._tls.received_close_notify else [self._connection]
        writers = [self._connection] if self._unsent else []
        readable, writable, _ = select.select(readers, writers, [], SECONDS)
        assert readable or writable, "the gate sent nothing"
        if writable:
            with suppress(BlockingIOError):
                self._unsent = self._unsent[self._connection.send(self._unsent) :]
        if readable:
            self._tls.feed(self._connection.recv(1 << 20))


def write_until_it_stops(connection: socket.socket, data: bytes) -> int:
    """Write until everything is sent or nothing was taken for 0.5 s. Returns the number of bytes taken."""
    connection.settimeout(0.5)
    written = 0
    try:
        while written < len(data):
            written += connection.send(data[written : written + MIB])
    except TimeoutError:
        pass
    return written
