"""Password checks in threads: in a fair order, shared, bounded, and withdrawn for clients that left."""

import contextlib
import logging
import threading
from collections.abc import Iterator

import pytest

from licensegate.allowlist.client_block import client_block
from licensegate.proxy.auth.check_queue import Standing
from licensegate.proxy.auth.login_throttle import FREE_TRIES, LoginThrottle
from licensegate.proxy.auth.password_hash import PasswordHash, read_hash
from licensegate.proxy.auth.result import PasswordCheck
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.tunnel import password_checks
from licensegate.proxy.tunnel.password_checks import QUEUED_FOR_ONE, THREADS, TOO_MANY, PasswordChecks
from licensegate.records.secret import Secret
from support.clock import Clock
from support.logins import PASSWORD, htpasswd_line
from support.sockets import run, turns, until
from support.tunnel_harness import counting_poller
from support.upstream import SECONDS

STORED = read_hash(htpasswd_line().rstrip().partition(":")[2])
CLIENT = "10.1.2.3"


def check(
    name: str = "cucm",
    password: str = PASSWORD,
    *,
    is_known: bool = True,
    client: str = CLIENT,
    standing: Standing = Standing.NEW,
    throttle: LoginThrottle | None = None,
) -> PasswordCheck:
    return PasswordCheck(
        Scheme.BASIC,
        name,
        Secret(password.encode()),
        STORED,
        is_known,
        f"{name} {password}".encode(),
        client_block(client),
        standing,
        LoginThrottle(Clock()) if throttle is None else throttle,
    )


class Waiter:
    """Waits for a check, keeps its result, and counts a wrong one in `throttle`, as the authenticator does."""

    def __init__(self, throttle: LoginThrottle | None = None, client: str = CLIENT) -> None:
        self.told: list[object] = []
        self._throttle = throttle
        self._client = client

    def login_checked(self, *, right: bool) -> None:
        self.told.append(right)
        if self._throttle is not None and not right:
            self._throttle.add(self._client)

    def login_not_checked(self, detail: str) -> None:
        self.told.append(detail)

    def ready(self, descriptor: int, events: int) -> None:
        raise AssertionError("nobody watches")

    def crashed(self, error: Exception) -> None:
        self.told.append(error)


class FailingWaiter(Waiter):
    def login_checked(self, *, right: bool) -> None:
        raise KeyError("a fault")


class Held:
    """Password hashes that are computed when the test says so; `passwords` are those begun, in order."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.worked = 0
        self.passwords: list[str] = []
        self.threads: set[str] = set()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    here, fits, lock = Held(), PasswordHash.fits, threading.Lock()

    def wait(stored: PasswordHash, password: bytes) -> bool:
        with lock:
            here.threads.add(threading.current_thread().name)
            here.passwords.append(password.decode())
        assert here.go.wait(SECONDS)
        with lock:
            here.worked += 1
        return fits(stored, password)

    monkeypatch.setattr(PasswordHash, "fits", wait)
    yield here
    here.go.set()


@contextlib.contextmanager
def checks() -> Iterator[PasswordChecks]:
    with counting_poller() as poller, contextlib.closing(PasswordChecks(poller)) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (check(), True),
        (check(password="wrong"), False),
        (check(is_known=False), False),
    ],
    ids=["right", "wrong", "right by chance for an unknown user"],
)
def test_a_waiter_is_called_once_and_later(asked: PasswordCheck, told: bool) -> None:
    async def main() -> None:
        with checks() as here:
            waiting = Waiter()
            assert here.begin(asked, waiting)
            assert waiting.told == []
            await until(lambda: not len(here))
            assert waiting.told == [told]

    run(main())


def test_two_checks_run_in_parallel_and_do_not_block_the_loop(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            for number in range(4):
                here.begin(check(f"user-{number}"), Waiter())
            await until(lambda: len(held.threads) == 2)
            await turns(50)
            assert held.worked == 0
            held.go.set()
            await until(lambda: not len(here))
            assert held.threads == {"password check 1", "password check 2"}

    run(main())


def test_waiters_for_the_same_login_share_one_check(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            waiting = [Waiter() for _ in range(20)]
            assert all(here.begin(check(client=f"10.1.2.{n % 9}"), owner) for n, owner in enumerate(waiting))
            held.go.set()
            await until(lambda: not len(here))
            assert [owner.told for owner in waiting] == [[True]] * 20
            assert held.worked == 1

    run(main())


def fill(here: PasswordChecks) -> list[Waiter]:
    """Give every thread a check of a source of its own; returns who waits for them."""
    waiting = [Waiter() for _ in range(THREADS)]
    for number, waiter in enumerate(waiting):
        assert here.begin(check(f"first {number}", client=f"10.9.9.{number}"), waiter)
    return waiting


def test_a_right_login_from_two_sources_is_accepted_for_both(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            fill(here)
            one, other, gone = Waiter(), Waiter(), Waiter()
            here.begin(check(client="10.1.2.3"), one)
            here.begin(check(client="10.1.2.4"), other)
            here.begin(check(client="10.1.2.5"), gone)
            here.forget(check(client="10.1.2.5"), gone)
            held.go.set()
            await until(lambda: not len(here))
            assert (one.told, other.told, gone.told) == ([True], [True], [])
            assert held.passwords.count(PASSWORD) == THREADS + 1

    run(main())


def test_the_number_of_checks_per_source_is_bounded(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            fill(here)
            begun = [here.begin(check(f"guess-{number}"), Waiter()) for number in range(QUEUED_FOR_ONE + 4)]
            assert begun == [True] * QUEUED_FOR_ONE + [False] * 4
            assert here.begin(check("guess-0"), Waiter()), "no further one"
            assert here.begin(check("other", client="10.1.2.4"), Waiter())
            held.go.set()
            await until(lambda: not len(here))
            assert here.begin(check("again"), Waiter())
            await until(lambda: not len(here))

    run(main())


def test_a_new_source_takes_the_place_of_a_source_with_many(monkeypatch: pytest.MonkeyPatch, held: Held) -> None:
    monkeypatch.setattr(password_checks, "QUEUED", 4)

    async def main() -> None:
        with checks() as here:
            fill(here)
            many = [Waiter() for _ in range(4)]
            assert all(here.begin(check(f"guess-{number}"), waiter) for number, waiter in enumerate(many))
            new = Waiter()
            assert here.begin(check("new", client="10.1.2.4"), new)
            assert [waiter.told for waiter in many] == [[], [], [], [TOO_MANY]]
            assert not here.begin(check("one more"), Waiter())
            held.go.set()
            await until(lambda: not len(here))
            assert new.told == [True]

    run(main())


def test_a_proven_login_is_checked_before_guesses_that_wait(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            fill(here)
            await until(lambda: len(held.passwords) == THREADS)
            for number in range(100):
                guess = check("cucm", f"guess {number}", client=f"10.2.0.{number}", standing=Standing.FAILED)
                assert here.begin(guess, Waiter())
            proven, new = Waiter(), Waiter()
            here.begin(check("new", "new", client="10.1.2.4"), new)
            here.begin(check("cucm", "proven", standing=Standing.PROVEN), proven)
            held.go.set()
            await until(lambda: not len(here))
            assert {"proven", "new"} <= set(held.passwords[THREADS : THREADS + 3])

    run(main())


def test_guesses_of_a_source_that_must_wait_are_not_checked(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            throttle = LoginThrottle(Clock())
            waiting = [Waiter(throttle) for _ in range(FREE_TRIES + 10)]
            for number, waiter in enumerate(waiting):
                assert here.begin(check("cucm", f"guess {number}", throttle=throttle), waiter)
            held.go.set()
            await until(lambda: not len(here))
            assert [waiter.told for waiter in waiting] == [[False]] * len(waiting)
            assert held.worked <= FREE_TRIES + THREADS

    run(main())


def test_a_queued_check_is_dropped_once_its_source_must_wait(held: Held) -> None:
    """By Digest, for example, whose logins are checked without a queue."""

    async def main() -> None:
        with checks() as here:
            fill(here)
            throttle, waiting = LoginThrottle(Clock()), Waiter()
            here.begin(check("cucm", "guess", throttle=throttle), waiting)
            for _ in range(FREE_TRIES + 1):
                throttle.add(CLIENT)
            held.go.set()
            await until(lambda: not len(here))
            assert waiting.told == [False]
            assert "guess" not in held.passwords

    run(main())


def test_a_check_is_withdrawn_when_all_its_waiters_have_left(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            fill(here)
            gone, stays = Waiter(), Waiter()
            here.begin(check("both"), gone)
            here.begin(check("both"), stays)
            here.begin(check("one", "one"), gone)
            for asked in (check("both"), check("both"), check("one", "one")):
                here.forget(asked, gone)
            for number in range(50):
                assert here.begin(check(f"guess-{number}"), gone)
                here.forget(check(f"guess-{number}"), gone)
            held.go.set()
            await until(lambda: not len(here))
            assert (gone.told, stays.told) == ([], [True])
            assert "one" not in held.passwords
            assert held.worked == THREADS + 1

    run(main())


def test_a_wrong_guess_counts_though_its_client_left_early(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            throttle = LoginThrottle(Clock())
            for number in range(2 * FREE_TRIES):
                guess, gone = check("cucm", f"guess {number}", throttle=throttle), Waiter()
                held.go.clear()
                assert here.begin(guess, gone)
                await until(lambda: held.passwords and held.passwords[-1] == guess.password.raw.decode())  # noqa: B023
                here.forget(guess, gone)
                held.go.set()
                await until(lambda: not len(here))
                if throttle.seconds_left(CLIENT):
                    break
            assert throttle.seconds_left(CLIENT)

    run(main())


def test_a_fault_in_a_check_is_logged_without_the_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(stored: PasswordHash, password: bytes) -> bool:
        raise KeyError("a fault")

    monkeypatch.setattr(PasswordHash, "fits", fault)

    async def main() -> None:
        with checks() as here:
            waiting = Waiter()
            here.begin(check(), waiting)
            await until(lambda: not len(here))
            assert waiting.told == ["a fault in the gate"]

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "a fault in the check of a password" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_waiter_that_raises_does_not_affect_the_others() -> None:
    async def main() -> None:
        with checks() as here:
            failing, waiting = FailingWaiter(), Waiter()
            here.begin(check(), failing)
            here.begin(check(), waiting)
            await until(lambda: not len(here))
            assert isinstance(failing.told[0], KeyError)
            assert waiting.told == [True]

    run(main())


def test_closing_waits_for_running_checks_and_starts_no_other(held: Held) -> None:
    """A thread that returned from bcrypt while the interpreter shuts down would abort the process."""

    async def main() -> None:
        with checks() as here:
            for number in range(6):
                here.begin(check(f"user-{number}"), Waiter())
            await until(lambda: len(held.threads) == 2)
            threading.Timer(0.05, held.go.set).start()

    run(main())
    assert held.worked == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("password check")]
