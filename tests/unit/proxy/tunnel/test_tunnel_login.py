"""Connections whose password is checked: what the client may send meanwhile, and how the check ends."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from msgspec import structs

from licensegate.proxy.auth.password_hash import PasswordHash
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.protocol.states import State
from licensegate.proxy.settings import Limits
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult, RefusalTaken
from support.conversation_harness import make_authenticator
from support.logins import USER, basic
from support.sockets import descriptors, receive, reset, run, turns, until
from support.tunnel_harness import ESTABLISHED, HANDFUL, HOST, Room, Upstream, answer_to, room_with_upstream
from support.upstream import SECONDS


class Hold:
    """Passwords are checked when the test says so."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hold]:
    here, fits = Hold(), PasswordHash.fits

    def wait(stored: PasswordHash, password: bytes) -> bool:
        here.begun.set()
        assert here.go.wait(SECONDS)
        return fits(stored, password)

    monkeypatch.setattr(PasswordHash, "fits", wait)
    yield here
    here.go.set()


@contextlib.contextmanager
def guarded(limits: Limits | None = None) -> Iterator[tuple[Room, Upstream]]:
    """A room where everybody must log in."""
    with room_with_upstream(limits) as (here, upstream):
        here.context.snapshot = structs.replace(here.context.snapshot, authenticator=make_authenticator())
        yield here, upstream


def login(here: Room, value: str | None = None) -> bytes:
    """The head that asks for HOST, with a login."""
    return here.connect[:-2] + f"Proxy-Authorization: {value or basic()}\r\n\r\n".encode()


def test_a_right_password_opens_the_tunnel_and_is_not_passed_on() -> None:
    async def main() -> None:
        with guarded() as (here, upstream):
            client, _ = here.accept(login(here) + b"hello")
            far = await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert await receive(far, 5) == b"hello"
            client.close()
            assert await receive(far) == b""
            far.close()
            record = await here.ended()
            assert (record.login, record.user, record.login_result) == ("basic", USER, LoginResult.ACCEPTED)
            assert record.head_ms is not None
            await here.assert_nothing_left()

    run(main())


def test_a_wrong_password_is_answered_without_a_dial() -> None:
    async def main() -> None:
        with guarded() as (here, _):
            client, _ = here.accept(login(here, basic(password="x")))
            assert await answer_to(client) == "407 login_refused"
            client.close()
            assert (await here.ended()).attempts == []
            await here.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("ends", [False, True], ids=["and the client stays", "and the client ends its side"])
def test_bytes_sent_during_the_check_wait_without_wake_ups(hold: Hold, ends: bool) -> None:
    async def main() -> None:
        with guarded() as (here, upstream):
            client, _ = here.accept(login(here))
            client.send(b"first")
            await turns(20)
            client.send(b" bytes")
            if ends:
                client.shutdown(socket.SHUT_WR)
            await turns(20)
            assert await here.poller.wake_ups_in_peace() <= HANDFUL
            hold.go.set()
            far = await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert await receive(far, 11) == b"first bytes"

    run(main())


@pytest.mark.parametrize("how", ["closes", "resets", "is cut by a stop"])
def test_a_client_that_leaves_during_the_check_leaves_nothing(hold: Hold, how: str) -> None:
    async def main() -> None:
        with guarded() as (here, _):
            before = descriptors()
            client, tunnel = here.accept(login(here))
            await until(hold.begun.is_set)
            match how:
                case "closes":
                    client.close()
                case "resets":
                    reset(client)
                case _:
                    tunnel.stop()
                    here.poller.finish_batch()
                    client.close()
            record = await here.ended()
            stopped = how == "is cut by a stop"
            assert record.outcome is (Outcome.CUT_BEFORE_TUNNEL if stopped else Outcome.CLIENT_LEFT_IN_LOGIN)
            hold.go.set()
            await here.assert_nothing_left()
            assert len(here.records) == 1
            assert descriptors() == before

    run(main())


def test_a_check_that_takes_too_long_is_answered(hold: Hold) -> None:
    async def main() -> None:
        with guarded(Limits(head_seconds=10)) as (here, _):
            client, _ = here.accept(login(here))
            await until(hold.begun.is_set)
            here.sweep(9)
            assert not here.final
            here.sweep(10)
            assert await answer_to(client) == "503 login_not_checked"
            client.close()
            hold.go.set()
            record = await here.ended()
            assert record.detail == "that took too long"
            await here.assert_nothing_left()

    run(main())


def test_a_late_check_does_not_undo_the_refusal(hold: Hold, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with guarded(Limits(head_seconds=10)) as (here, _):
            client, tunnel = here.accept(login(here))
            await until(hold.begun.is_set)
            login_deadline = here.context.deadlines.login
            for late in login_deadline.expired(time.monotonic() + login_deadline.seconds):
                here.poller.run(late, late.deadline_passed, login_deadline)
            hold.go.set()
            await until(lambda: not here.context.password_checks)
            assert tunnel.conversation.state is State.LINGERING
            assert await answer_to(client) == "503 login_not_checked"
            client.close()
            assert (await here.ended()).refusal_taken is RefusalTaken.CLOSED
            assert not caplog.records, "no fault"
            await here.assert_nothing_left()

    run(main())


def test_too_many_waiting_logins_are_refused(hold: Hold) -> None:
    async def main() -> None:
        with guarded() as (here, _):
            clients = [here.accept(login(here, basic(f"user-{number}")))[0] for number in range(17)]
            assert await answer_to(clients[16]) == "503 login_not_checked"
            for client in clients:
                client.close()
            hold.go.set()
            await here.ended(17)
            await here.assert_nothing_left()

    run(main())


def test_a_fault_while_a_password_is_checked_ends_that_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(stored: PasswordHash, password: bytes) -> bool:
        raise KeyError("a fault")

    monkeypatch.setattr(PasswordHash, "fits", fault)

    async def main() -> None:
        with guarded() as (here, _):
            client, _ = here.accept(login(here))
            assert await answer_to(client) == "503 login_not_checked"
            client.close()
            assert (await here.ended()).login_result is LoginResult.NOT_CHECKED
            await here.assert_nothing_left()

    run(main())


def test_a_tunnel_uses_the_schemes_of_its_listener() -> None:
    async def main() -> None:
        with guarded() as (here, _):
            client, _ = here.accept(here.connect, schemes=frozenset({Scheme.BASIC}))
            answer = await receive(client)
            assert answer.count(b"Proxy-Authenticate: ") == answer.count(b"Proxy-Authenticate: Basic ") == 1
            client.close()
            assert (await here.ended()).target.startswith(HOST)

    run(main())
