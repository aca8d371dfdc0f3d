"""What happens to bytes on their way through a tunnel when its ends behave as badly as they may."""

import queue
import random
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.exchange import TARGET
from support.gate import ANYTHING, Gate, lab
from support.raw_client import CONNECT, Dial, break_off, dial, dial_tls, open_tunnel, read_to_break, read_to_end
from support.tls import MemoryClient, trusting
from support.upstream import SECONDS, Upstream

MIB = 1 << 20
BLOB = random.Random(3).randbytes(20 * MIB)
NOTE = b"what was said before the end " * 4000
"""116 kB: more than the gate reads at once, less than the kernel holds for a reader that is slow."""


legs = pytest.mark.parametrize("dial", [dial, dial_tls], ids=["plain", "over TLS"])


def tunnel_to(folder: Path, upstream: Upstream) -> Gate:
    """A gate whose tools.cisco.com is `upstream`."""
    return Gate(folder, lab(f"{TARGET}:127.0.0.1:{upstream.port}", more=ANYTHING))


def test_a_client_that_ends_first_still_gets_the_answer(tmp_path: Path) -> None:
    def answer_after_the_end(connection: socket.socket) -> None:
        connection.sendall(read_to_end(connection)[::-1])

    with Upstream(answer_after_the_end) as upstream, tunnel_to(tmp_path, upstream) as gate:
        with open_tunnel(gate) as client:
            client.sendall(NOTE)
            client.shutdown(socket.SHUT_WR)
            assert read_to_end(client) == NOTE[::-1]
        (record,) = gate.records(1)

    assert record["outcome"] == "closed_by_client"
    assert record["upstream_written"] == record["upstream_read"] == len(NOTE)


@legs
def test_an_upstream_that_ends_first_still_gets_the_answer(tmp_path: Path, dial: Dial) -> None:
    heard: list[bytes] = []

    def end_then_listen(connection: socket.socket) -> None:
        connection.sendall(NOTE)
        connection.shutdown(socket.SHUT_WR)
        heard.append(read_to_end(connection))

    with Upstream(end_then_listen) as upstream, tunnel_to(tmp_path, upstream) as gate:
        with open_tunnel(gate, dial=dial) as client:
            assert read_to_end(client) == NOTE
            client.sendall(NOTE[::-1])
        (record,) = gate.records(1)

    assert heard == [NOTE[::-1]]
    assert record["outcome"] == "closed_by_upstream"


@legs
@pytest.mark.parametrize("size", [1, len(NOTE), len(BLOB)], ids=["a byte", "one read", "all that the buffers hold"])
def test_what_an_upstream_sent_before_it_broke_off_reaches_a_client_that_reads_late(
    tmp_path: Path, size: int, dial: Dial
) -> None:
    taken: queue.Queue[int] = queue.Queue()

    def send_and_break_off(connection: socket.socket) -> None:
        connection.recv(1)  # before that, the gate may not know yet that it is connected
        taken.put(write_until_it_stops(connection, BLOB[:size]) - break_off(connection))

    with Upstream(send_and_break_off) as upstream, tunnel_to(tmp_path, upstream) as gate:
        with open_tunnel(gate, dial=dial) as client:
            client.sendall(b"?")
            sent = taken.get(timeout=SECONDS)
            received = read_to_break(client)
        (record,) = gate.records(1)

    assert len(received) >= sent
    assert received == BLOB[: len(received)]

    assert record["outcome"] == "reset_by_upstream"


@legs
def test_what_a_client_sent_before_it_broke_off_is_delivered(tmp_path: Path, dial: Dial) -> None:
    heard: list[bytes] = []

    with (
        Upstream(lambda connection: heard.append(read_to_break(connection))) as upstream,
        tunnel_to(tmp_path, upstream) as gate,
    ):
        client = open_tunnel(gate, dial=dial)
        client.sendall(NOTE)
        break_off(client)
        (record,) = gate.records(1)

    assert heard == [NOTE]
    assert record["outcome"] == "reset_by_client"


def test_twenty_mebibytes_each_way_at_once_arrive_as_they_were_sent(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def send_and_listen(connection: socket.socket) -> None:
        with sending(connection, BLOB):
            heard.append(read_to_end(connection))

    with Upstream(send_and_listen) as upstream, tunnel_to(tmp_path, upstream) as gate:
        with open_tunnel(gate) as client, sending(client, BLOB[::-1]):
            received = read_to_end(client)
        (record,) = gate.records(1)

    assert received == BLOB
    assert heard == [BLOB[::-1]]
    assert record["upstream_written"] == record["upstream_read"] == len(BLOB)


def test_through_tls_to_the_gate_too_twenty_mebibytes_each_way_at_once_arrive_as_they_were_sent(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def send_and_listen(connection: socket.socket) -> None:
        with sending(connection, BLOB):
            heard.append(read_to_end(connection))

    with Upstream(send_and_listen) as upstream, tunnel_to(tmp_path, upstream) as gate:
        with dial(gate) as connection:
            client = SecureTalk(connection)
            client.say(CONNECT)
            client.say(BLOB[::-1])
            client.end()
            received = client.hear()
        (record,) = gate.records(1)

    assert received.partition(b"\r\n\r\n")[2] == BLOB
    assert heard == [BLOB[::-1]]
    assert record["upstream_written"] == record["upstream_read"] == len(BLOB)
    assert record["outcome"] == "closed_by_client"


@contextmanager
def sending(connection: socket.socket, data: bytes) -> Iterator[None]:
    """Send `data` and then end that side, while the block does something else."""

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
"""More than the kernel keeps on both legs (some 20 MiB): a gate that read on would have to keep the rest."""


@legs
@pytest.mark.parametrize("reader", ["client", "upstream"])
def test_a_reader_that_never_reads_stops_the_writer_and_costs_no_memory(
    tmp_path: Path, reader: str, dial: Dial
) -> None:
    written: queue.Queue[int] = queue.Queue()
    done = threading.Event()

    def upstream_side(connection: socket.socket) -> None:
        if reader == "client":
            written.put(write_until_it_stops(connection, bytes(FLOOD)))
        done.wait()

    with Upstream(upstream_side) as upstream, tunnel_to(tmp_path, upstream) as gate:
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


class SecureTalk:
    """A client that speaks TLS to the gate, and says and hears at the same time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._connection.setblocking(False)
        self._tls = MemoryClient(trusting(None), "127.0.0.1")  # for an address no name is sent
        self._unsent = memoryview(b"")
        while not self._tls.handshake():
            self._unsent = memoryview(self._tls.take())
            self._move()
        self._unsent = memoryview(self._tls.take())

    def say(self, plaintext: bytes) -> None:
        """Have it sent while the answer is heard."""
        self._unsent = memoryview(bytes(self._unsent) + self._tls.say(plaintext))

    def end(self) -> None:
        """Say close_notify behind all that was said."""
        self._unsent = memoryview(bytes(self._unsent) + self._tls.end())

    def hear(self) -> bytes:
        """Send all that is to be said, and hear the gate to its close_notify, whichever takes longer."""
        heard = []
        while self._unsent or not self._tls.heard_end:
            self._move()
            heard.append(self._tls.hear())
        return b"".join(heard)

    def _move(self) -> None:
        readers = [] if self._tls.heard_end else [self._connection]
        writers = [self._connection] if self._unsent else []
        readable, writable, _ = select.select(readers, writers, [], SECONDS)
        assert readable or writable, "the gate fell silent"
        if writable:
            with suppress(BlockingIOError):
                self._unsent = self._unsent[self._connection.send(self._unsent) :]
        if readable:
            self._tls.feed(self._connection.recv(1 << 20))


def write_until_it_stops(connection: socket.socket, data: bytes) -> int:
    """Write, until all is written or nobody has taken any for half a second; returns how many bytes were taken."""
    connection.settimeout(0.5)
    written = 0
    try:
        while written < len(data):
            written += connection.send(data[written : written + MIB])
    except TimeoutError:
        pass
    return written
