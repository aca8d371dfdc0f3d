"""What the two processes of a handover say to each other."""

import os
import socket
from collections.abc import Iterator

import pytest

from licensegate.app.service.handover_line import (
    HandoverError,
    HandoverLine,
    HandoverStep,
    Message,
    Passed,
    Purpose,
    line_pair,
)
from support.sockets import descriptors, run


@pytest.fixture
def line() -> Iterator[tuple[HandoverLine, socket.socket]]:
    """Our end, and the other process's bare socket."""
    ours, theirs = line_pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_socket_arrives_with_its_message(line: tuple[HandoverLine, socket.socket]) -> None:
    ours, theirs = line
    said = Message(HandoverStep.SOCKETS, passed=(Passed(Purpose.LISTENER, "gate.socket", lasting=True),))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        HandoverLine(theirs).send(said, [listening])
        message, (passed,) = run(ours.receive_sockets(HandoverStep.SOCKETS))
        with passed:
            assert passed.getsockname() == listening.getsockname()
            assert not os.get_inheritable(passed.fileno())

    assert message == said


def test_messages_keep_their_bounds(line: tuple[HandoverLine, socket.socket]) -> None:
    ours, theirs = line
    other = HandoverLine(theirs)
    other.send(Message(HandoverStep.ASK, pid=7))
    other.send(Message(HandoverStep.READY, used=(0, 2)))

    assert run(ours.receive(HandoverStep.ASK)).pid == 7
    assert run(ours.receive(HandoverStep.READY)).used == (0, 2)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param(b"", "it ended before it said 'ready'", id="end"),
        pytest.param(b'{"step": "failed", "reason": "no port"}', "no port", id="failed"),
        pytest.param(b'{"step": "failed"}', "does not say why", id="failed without a reason"),
        pytest.param(b'{"step": "ready", "x": ' + b"[" * 3000, "something else than 'ready'", id="nested too deeply"),
        pytest.param(b'{"step": "main"}', "it said 'main' instead of 'ready'", id="another step"),
        pytest.param(b'{"step": "dance"}', "something else than 'ready'", id="unknown step"),
        pytest.param(b"\xff", "something else than 'ready'", id="no message"),
    ],
)
def test_anything_else_is_a_failure_that_says_why(
    line: tuple[HandoverLine, socket.socket], sent: bytes, said: str
) -> None:
    ours, theirs = line
    if sent:
        theirs.send(sent)
    else:
        theirs.close()
    with pytest.raises(HandoverError) as failed:
        run(ours.receive(HandoverStep.READY))

    assert said in str(failed.value)


def test_sockets_of_an_unexpected_message_are_closed(line: tuple[HandoverLine, socket.socket]) -> None:
    ours, theirs = line
    before = descriptors()
    with socket.socket() as sock:
        socket.send_fds(theirs, [b'{"step": "sockets"}'], [sock.fileno()])
    with pytest.raises(HandoverError):
        run(ours.receive(HandoverStep.READY))

    assert descriptors() == before


def test_unknown_fields_are_ignored(line: tuple[HandoverLine, socket.socket]) -> None:
    """So that a release can say more to a newer one."""
    ours, theirs = line
    theirs.send(b'{"step": "ready", "mood": "good"}')

    assert run(ours.receive(HandoverStep.READY)) == Message(HandoverStep.READY)


def test_a_process_that_has_ended_cannot_be_told(line: tuple[HandoverLine, socket.socket]) -> None:
    ours, theirs = line
    theirs.close()
    with pytest.raises(HandoverError, match="cannot be told"):
        ours.send(Message(HandoverStep.YOURS))
