import contextlib
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from licensegate.proxy.net.deadline import Deadline
from licensegate.proxy.tunnel import linger as linger_module
from licensegate.proxy.tunnel.linger import Lingering
from licensegate.records.record import RefusalTaken
from support.sockets import fill_send_buffer, receive, reset, run, socket_pair, spin_until, turns, unread_bytes, until
from support.tunnel_harness import CountingPoller, counting_poller

SECONDS = 2
ANSWER = b"HTTP/1.1 403 no\r\n\r\n"


class Farewell:
    """A lingering connection, and its peer's socket."""

    def __init__(self, poller: CountingPoller) -> None:
        self.poller = poller
        self.peer, self.sock = socket_pair()
        self.deadline = Deadline(SECONDS)
        self.done = 0
        self.taken: RefusalTaken | None = None

    def begin(self) -> Lingering:
        self.lingering = Lingering(self.poller, self.deadline, self.sock, self._end)
        return self.lingering

    def _end(self, taken: RefusalTaken | None) -> None:
        self.done += 1
        self.taken = taken
        self.poller.close(self.sock)

    def close(self) -> None:
        self.peer.close()
        self.sock.close()


@contextlib.contextmanager
def farewell() -> Iterator[Farewell]:
    with counting_poller() as poller, contextlib.closing(Farewell(poller)) as made:
        yield made


def test_a_peer_that_still_sends_reads_all_to_the_end() -> None:
    async def main() -> None:
        with farewell() as here:
            here.peer.send(b"x" * 300_000)
            spin_until(lambda: unread_bytes(here.sock))
            here.sock.send(ANSWER)
            here.begin()
            await turns(20)
            here.peer.send(b"x" * 100_000)
            await turns(20)
            assert await receive(here.peer) == ANSWER
            assert here.done == 0, "the peer has not ended its side"
            here.peer.send(b"x")
            here.peer.close()
            await until(lambda: here.done)
            assert (here.done, here.taken) == (1, RefusalTaken.CLOSED)
            assert not len(here.deadline)

    run(main())


@pytest.mark.parametrize("before", [False, True], ids=["meanwhile", "before it began"])
def test_a_peer_that_resets_ends_lingering(before: bool) -> None:
    async def main() -> None:
        with farewell() as here:
            if before:
                reset(here.peer)
            here.begin()
            if not before:
                reset(here.peer)
            await until(lambda: here.done)
            await turns(20)
            assert (here.done, here.taken) == (1, RefusalTaken.RESET)

    run(main())


def test_a_peer_that_stays_is_closed_at_the_deadline() -> None:
    async def main() -> None:
        with farewell() as here:
            lingering = here.begin()
            await turns(20)
            before = here.poller.wake_ups
            await turns()
            assert here.poller.wake_ups == before
            now = time.monotonic()
            assert not list(here.deadline.expired(now + SECONDS - 1))
            assert list(here.deadline.expired(now + SECONDS + 1)) == [lingering]
            lingering.deadline_passed(here.deadline)
            assert (here.done, here.taken) == (1, RefusalTaken.STAYED)

    run(main())


def test_a_peer_that_keeps_sending_is_closed_after_1_mib() -> None:
    async def main() -> None:
        sent = 0
        with farewell() as here:
            here.begin()

            def flood() -> bool:
                nonlocal sent
                with contextlib.suppress(ConnectionError):
                    sent += fill_send_buffer(here.peer, bytes(4096))
                return here.done > 0

            await until(flood)
            assert sent > linger_module._DISCARDED_AT_MOST
            assert (here.done, here.taken) == (1, RefusalTaken.SENT_ON)

    run(main())


def test_the_owner_can_stop_lingering_without_a_callback() -> None:
    async def main() -> None:
        with farewell() as here:
            here.begin().stop()
            assert not len(here.deadline)
            here.poller.forget(here.sock.fileno())
            here.peer.close()
            await turns(20)
            assert not here.done

    run(main())


def test_a_fault_ends_lingering_without_a_result() -> None:
    async def main() -> None:
        with farewell() as here, patch.object(linger_module, "_READ", "no number"):
            here.begin()
            here.peer.send(b"x")
            await until(lambda: here.done)
            assert (here.done, here.taken) == (1, None)

    run(main())
