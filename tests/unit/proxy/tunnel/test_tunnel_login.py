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
from licensegate.proxy.tunnel.password_checks import QUEUED_FOR_ONE, THREADS
from licensegate.records.outcome import Outcome
from licensegate.records.record import LoginResult, RefusalTaken
from support.conversation_harness import make_authenticator
from support.logins import USER, basic
from support.sockets import descriptors, receive, reset, run, turns, until
from support.tunnel_harness import (
    ESTABLISHED,
    HOST,
    SPIN_LIMIT,
    LoopUpstream,
    TunnelHarness,
    open_harness_with_upstream,
    read_status,
)
from support.upstream import SECONDS


class Hold:
    """Checks wait until the test releases them."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hold]:
    harness, fits = Hold(), PasswordHash.fits

    def wait(stored: PasswordHash, password: bytes) -> bool:
        harness.begun.set()
        assert harness.go.wait(SECONDS)
        return fits(stored, password)

    monkeypatch.setattr(PasswordHash, "fits", wait)
    yield harness
    harness.go.set()


@contextlib.contextmanager
def guarded(limits: Limits | None = None) -> Iterator[tuple[TunnelHarness, LoopUpstream]]:
    """A harness that requires logins."""
    with open_harness_with_upstream(limits) as (harness, upstream):
        harness.context.snapshot = structs.replace(harness.context.snapshot, authenticator=make_authenticator())
        yield harness, upstream


def login(harness: TunnelHarness, value: str | None = None) -> bytes:
    """A CONNECT request for HOST with a login."""
    return harness.connect[:-2] + f"Proxy-Authorization: {value or basic()}\r\n\r\n".encode()


def test_a_right_password_opens_the_tunnel_and_is_not_passed_on() -> None:
    async def main() -> None:
        with guarded() as (harness, upstream):
            client, _ = harness.accept(login(harness) + b"hello")
            far = await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert await receive(far, 5) == b"hello"
            client.close()
            assert await receive(far) == b""
            far.close()
            record = await harness.last_record()
            assert (record.login, record.user, record.login_result) == ("basic", USER, LoginResult.ACCEPTED)
            assert record.head_ms is not None
            await harness.assert_nothing_left()

    run(main())


def test_a_wrong_password_is_answered_without_a_dial() -> None:
    async def main() -> None:
        with guarded() as (harness, _):
            client, _ = harness.accept(login(harness, basic(password="x")))
            assert await read_status(client) == "407 login_refused"
            client.close()
            assert (await harness.last_record()).attempts == []
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("ends", [False, True], ids=["and the client stays", "and the client ends its side"])
def test_bytes_sent_during_the_check_wait_without_wake_ups(hold: Hold, ends: bool) -> None:
    async def main() -> None:
        with guarded() as (harness, upstream):
            client, _ = harness.accept(login(harness))
            client.send(b"first")
            await turns(20)
            client.send(b" bytes")
            if ends:
                client.shutdown(socket.SHUT_WR)
            await turns(20)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            hold.go.set()
            far = await upstream.accept()
            assert await receive(client, len(ESTABLISHED)) == ESTABLISHED
            assert await receive(far, 11) == b"first bytes"

    run(main())


@pytest.mark.parametrize("how", ["closes", "resets", "is cut by a stop"])
def test_a_client_that_leaves_during_the_check_leaves_nothing(hold: Hold, how: str) -> None:
    async def main() -> None:
        with guarded() as (harness, _):
            before = descriptors()
            client, tunnel = harness.accept(login(harness))
            await until(hold.begun.is_set)
            match how:
                case "closes":
                    client.close()
                case "resets":
                    reset(client)
                case _:
                    tunnel.stop()
                    harness.poller.finish_batch()
                    client.close()
            record = await harness.last_record()
            stopped = how == "is cut by a stop"
            assert record.outcome is (Outcome.CUT_BEFORE_TUNNEL if stopped else Outcome.CLIENT_LEFT_IN_LOGIN)
            hold.go.set()
            await harness.assert_nothing_left()
            assert len(harness.records) == 1
            assert descriptors() == before

    run(main())


def test_a_check_that_takes_too_long_is_answered(hold: Hold) -> None:
    async def main() -> None:
        with guarded(Limits(head_seconds=10)) as (harness, _):
            client, _ = harness.accept(login(harness))
            await until(hold.begun.is_set)
            harness.sweep(9)
            assert not harness.final_records
            harness.sweep(10)
            assert await read_status(client) == "503 login_not_checked"
            client.close()
            hold.go.set()
            record = await harness.last_record()
            assert record.detail == "that took too long"
            await harness.assert_nothing_left()

    run(main())


def test_a_late_check_does_not_undo_the_refusal(hold: Hold, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with guarded(Limits(head_seconds=10)) as (harness, _):
            client, tunnel = harness.accept(login(harness))
            await until(hold.begun.is_set)
            login_deadline = harness.context.deadlines.login
            for late in login_deadline.expired(time.monotonic() + login_deadline.seconds):
                harness.poller.run(late, late.deadline_passed, login_deadline)
            hold.go.set()
            await until(lambda: not harness.context.password_checks)
            assert tunnel.conversation.state is State.LINGERING
            assert await read_status(client) == "503 login_not_checked"
            client.close()
            assert (await harness.last_record()).refusal_taken is RefusalTaken.CLOSED
            assert not caplog.records, "no fault"
            await harness.assert_nothing_left()

    run(main())


def test_too_many_waiting_logins_are_refused(hold: Hold) -> None:
    async def main() -> None:
        with guarded() as (harness, _):
            most = THREADS + QUEUED_FOR_ONE
            clients = [harness.accept(login(harness, basic(f"user-{number}")))[0] for number in range(most + 1)]
            assert await read_status(clients[most]) == "503 login_not_checked"
            for client in clients:
                client.close()
            hold.go.set()
            await harness.last_record(most + 1)
            await harness.assert_nothing_left()

    run(main())


def test_a_fault_while_a_password_is_checked_ends_that_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(stored: PasswordHash, password: bytes) -> bool:
        raise KeyError("a fault")

    monkeypatch.setattr(PasswordHash, "fits", fault)

    async def main() -> None:
        with guarded() as (harness, _):
            client, _ = harness.accept(login(harness))
            assert await read_status(client) == "503 login_not_checked"
            client.close()
            assert (await harness.last_record()).login_result is LoginResult.NOT_CHECKED
            await harness.assert_nothing_left()

    run(main())


def test_a_tunnel_uses_the_schemes_of_its_listener() -> None:
    async def main() -> None:
        with guarded() as (harness, _):
            client, _ = harness.accept(harness.connect, schemes=frozenset({Scheme.BASIC}))
            answer = await receive(client)
            assert answer.count(b"Proxy-Authenticate: ") == answer.count(b"Proxy-Authenticate: Basic ") == 1
            client.close()
            assert (await harness.last_record()).target.startswith(HOST)

    run(main())
