import contextlib
import os
import random
import socket
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.proxy.tunnel import flow as flow_module
from licensegate.proxy.tunnel.flow import Flow, Pipes
from support.sockets import descriptors, fill_send_buffer, reset, socket_pair, spin_until, unread_bytes

CHUNK = flow_module._CHUNK
PIPE_BYTES = flow_module._PIPE_BYTES
SPLICE_AFTER = flow_module._SPLICE_AFTER
BLOB = random.Random(1).randbytes(1 << 22)


class Line:
    """A flow between two connections whose peers the test plays: writer → flow → reader."""

    def __init__(self, pipes: Pipes | None = None, *, buffer: int = 0) -> None:
        self.pipes = pipes or Pipes(at_most=1)
        self.writer, self.source = socket_pair(buffer=buffer)
        self.sink, self.reader = socket_pair(buffer=buffer)
        self.flow = Flow(self.source, self.sink, self.pipes)
        self.received = bytearray()

    def close(self) -> None:
        self.flow.close()
        self.pipes.close()
        for sock in (self.writer, self.source, self.sink, self.reader):
            sock.close()

    def send(self, data: bytes) -> None:
        """Write everything, pump and read as needed, and assert that it arrives."""
        expected = len(self.received) + len(data)
        left = memoryview(data)

        def step() -> None:
            nonlocal left
            with contextlib.suppress(BlockingIOError):
                left = left[self.writer.send(left) :]
            self.step()

        spin_until(lambda: len(self.received) == expected, step)

    def step(self) -> None:
        self.flow.pump()
        with contextlib.suppress(BlockingIOError):
            self.received += self.reader.recv(1 << 16)

    def drain(self) -> None:
        """Assert that everything arrives up to the end."""
        spin_until(lambda: self.flow.ended and len(self.received) == self.flow.written, self.step)

    def block(self, byte: bytes = b"x") -> None:
        """Write without reading until the flow can take no more."""

        def step() -> None:
            fill_send_buffer(self.writer, byte * 65536)
            self.flow.pump()

        spin_until(lambda: self.flow.blocked and not self.flow.pump(), step)


@pytest.fixture
def line() -> Iterator[Line]:
    with contextlib.closing(Line()) as made:
        yield made


def test_bytes_pass_and_are_counted_on_both_sides(line: Line) -> None:
    line.send(b"one" * 1000)
    line.send(b"two")

    assert line.received == b"one" * 1000 + b"two"
    assert (line.flow.read, line.flow.written) == (3003, 3003)
    assert not line.flow.blocked
    assert not line.flow.ended


def test_nothing_moves_without_bytes_to_read(line: Line) -> None:
    assert not line.flow.pump()
    assert not line.flow.ended


def test_our_own_bytes_go_first_and_count_as_written_only(line: Line) -> None:
    line.flow.put(b"200 ")
    line.send(b"")
    line.writer.send(b"then")

    spin_until(lambda: line.received == b"200 then", line.step)
    assert (line.flow.read, line.flow.written) == (4, 8)


def test_the_flow_ends_when_all_before_the_sources_end_is_written(line: Line) -> None:
    line.writer.send(b"last words")
    line.writer.shutdown(socket.SHUT_WR)

    spin_until(lambda: line.flow.ended, line.flow.pump)
    assert line.reader.recv(100) == b"last words"
    assert (line.flow.source_error, line.flow.sink_error) == ("", "")


def test_the_flow_has_not_ended_while_bytes_wait(line: Line) -> None:
    line.block()
    line.writer.shutdown(socket.SHUT_WR)
    line.flow.pump()
    assert not line.flow.ended

    spin_until(lambda: line.flow.ended, line.step)
    assert line.flow.written == line.flow.read


def test_bytes_before_a_reset_are_read(line: Line) -> None:
    line.writer.send(b"before the reset")
    spin_until(lambda: unread_bytes(line.source))
    reset(line.writer)

    spin_until(lambda: line.flow.ended, line.flow.pump)
    assert line.reader.recv(100) == b"before the reset"
    assert line.flow.source_error == "ECONNRESET"
    assert line.flow.sink_error == ""


def test_a_sink_that_reset_ends_the_flow(line: Line) -> None:
    reset(line.reader)

    def step() -> None:
        with contextlib.suppress(BlockingIOError):
            line.writer.send(b"x")
        line.flow.pump()

    spin_until(lambda: line.flow.ended, step)
    assert line.flow.sink_error in ("ECONNRESET", "EPIPE")
    assert line.flow.source_error == ""


@pytest.mark.parametrize(("pipes", "most"), [(0, CHUNK), (1, PIPE_BYTES)], ids=["copying", "splicing"])
def test_at_most_one_read_waits_while_the_sink_is_full(pipes: int, most: int) -> None:
    with contextlib.closing(Line(Pipes(pipes))) as line:
        line.send(bytes(SPLICE_AFTER + 1))
        line.block()
        held = line.flow.read - line.flow.written
        assert 0 < held <= most

        left = unread_bytes(line.source)
        assert left
        for _ in range(50):
            assert not line.flow.pump()
        assert unread_bytes(line.source) == left
        assert line.flow.read - line.flow.written == held


def test_waiting_bytes_of_one_flow_are_not_touched_by_another(line: Line) -> None:
    with contextlib.closing(Line()) as other:
        line.block(b"a")
        other.block(b"b")
        for each, byte in ((line, b"a"), (other, b"b")):
            each.writer.shutdown(socket.SHUT_WR)
            each.drain()
            assert each.received == byte * each.flow.written


@pytest.mark.parametrize("carried", [0, SPLICE_AFTER + 1], ids=["copying", "splicing"])
def test_a_full_sink_that_resets_drops_the_waiting_bytes(line: Line, carried: int) -> None:
    line.send(bytes(carried))
    line.block()
    reset(line.reader)

    spin_until(lambda: line.flow.ended, line.flow.pump)
    assert not line.flow.blocked
    assert line.flow.sink_error in ("ECONNRESET", "EPIPE")


def test_one_call_is_bounded_so_that_other_tunnels_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_module, "_TURNS", 1)
    with contextlib.closing(Line(buffer=1 << 20)) as line:
        fill_send_buffer(line.writer)
        spin_until(lambda: unread_bytes(line.source) > CHUNK)

        line.flow.pump()
        assert line.flow.read == CHUNK


def test_a_short_direction_never_takes_a_pipe(line: Line) -> None:
    line.send(BLOB[:SPLICE_AFTER])
    assert line.pipes.take() is not None


def test_a_direction_that_carries_much_is_spliced(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    spliced = []
    splice = os.splice

    def counting(source: int, sink: int, size: int, *, flags: int) -> int:
        spliced.append(moved := splice(source, sink, size, flags=flags))
        return moved

    monkeypatch.setattr(os, "splice", counting)
    line.send(BLOB)
    line.writer.shutdown(socket.SHUT_WR)
    spin_until(lambda: line.flow.ended, line.flow.pump)

    assert line.received == BLOB
    assert sum(spliced) > len(BLOB), "most of it should have passed twice: into the pipe and out of it"
    assert line.flow.read == line.flow.written == len(BLOB)


def test_a_flow_without_a_pipe_keeps_copying() -> None:
    with contextlib.closing(Line(Pipes(at_most=0))) as line:
        line.send(BLOB)
        assert line.received == BLOB


def test_a_pipe_is_held_only_while_bytes_are_in_it(line: Line) -> None:
    before = descriptors()
    line.send(bytes(SPLICE_AFTER + 1))
    line.block()
    assert line.pipes.take() is None, "it was not taken"
    line.writer.shutdown(socket.SHUT_WR)
    line.drain()

    assert len(descriptors() - before) == 2, "an empty one is kept for the next direction"
    again = line.pipes.take()
    assert again is not None
    with pytest.raises(BlockingIOError):
        os.read(again[0], 1)
    line.pipes.give_back(again, empty=True)


def test_one_pipe_serves_directions_that_are_not_blocked(line: Line) -> None:
    with contextlib.closing(Line(line.pipes)) as other:
        for each in (line, other, line, other):
            each.send(BLOB[: 2 * SPLICE_AFTER])
        before = descriptors()
        assert line.pipes.take() is not None
        assert descriptors() == before, "there was one already"


def test_a_direction_copies_while_others_hold_all_pipes(line: Line) -> None:
    with contextlib.closing(Line(line.pipes)) as other:
        line.send(bytes(SPLICE_AFTER + 1))
        line.block()
        assert line.pipes.take() is None

        other.send(BLOB)
        assert other.received == BLOB


def test_after_a_refusal_no_pipe_is_made_until_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    pipes = Pipes(at_most=3)
    with contextlib.closing(pipes):
        first = pipes.take()
        assert first is not None
        with monkeypatch.context() as refusing:
            refusing.setattr("fcntl.fcntl", lambda *_: (_ for _ in ()).throw(PermissionError))
            assert pipes.take() is None

        assert pipes.take() is None
        pipes.give_back(first, empty=False)
        second = pipes.take()
        assert second is not None
        assert pipes.take() is None
        pipes.give_back(second, empty=True)


def test_a_pipe_that_holds_bytes_is_closed_and_makes_room(line: Line) -> None:
    before = descriptors()
    line.send(bytes(SPLICE_AFTER + 1))
    line.block()
    assert len(descriptors() - before) == 2
    line.flow.close()
    assert descriptors() == before

    fresh = line.pipes.take()
    assert fresh is not None
    with pytest.raises(BlockingIOError):
        os.read(fresh[0], 1)
    line.pipes.give_back(fresh, empty=False)


def test_closing_a_flow_twice_gives_its_pipe_back_once(line: Line) -> None:
    line.send(bytes(SPLICE_AFTER + 1))
    line.block()
    line.flow.close()
    line.flow.close()

    taken = line.pipes.take()
    assert taken is not None
    assert line.pipes.take() is None
    line.pipes.give_back(taken, empty=True)


def test_the_pool_is_bounded_and_closing_it_leaves_no_descriptor() -> None:
    before = descriptors()
    pipes = Pipes(at_most=3)
    taken = [pipe for pipe in (pipes.take() for _ in range(5)) if pipe]
    assert len(taken) == 3
    for pipe in taken:
        pipes.give_back(pipe, empty=True)
    pipes.close()
    assert descriptors() == before


@pytest.mark.parametrize("refused", ["os.pipe2", "fcntl.fcntl"], ids=["no descriptor", "no pipe memory"])
def test_a_refused_pipe_leaves_no_descriptor_and_copying_continues(
    line: Line, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(refused, refuse)
    before = descriptors()
    line.send(BLOB)

    assert line.received == BLOB
    assert descriptors() == before


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["write", "read", "pump"]), st.integers(1, 3 * CHUNK)), min_size=1, max_size=60),
    st.sampled_from([0, 100_000, SPLICE_AFTER]),
    st.integers(0, 1),
)
def test_bytes_arrive_intact_in_any_order_of_events(
    steps: list[tuple[str, int]], splice_after: int, pipes: int
) -> None:
    with (
        patch.object(flow_module, "_SPLICE_AFTER", splice_after),
        contextlib.closing(Line(Pipes(at_most=pipes), buffer=32768)) as line,
    ):
        sent = b""
        for what, size in steps:
            with contextlib.suppress(BlockingIOError):
                match what:
                    case "write":
                        block = BLOB[len(sent) : len(sent) + size]
                        sent += block[: line.writer.send(block)]
                    case "read":
                        line.received += line.reader.recv(size)
                    case "pump":
                        line.flow.pump()
            assert line.flow.read - line.flow.written <= (PIPE_BYTES if pipes else CHUNK)
        line.writer.shutdown(socket.SHUT_WR)
        spin_until(lambda: line.flow.ended and len(line.received) == len(sent), line.step)
        assert line.received == sent
        assert line.flow.read == line.flow.written == len(sent)
