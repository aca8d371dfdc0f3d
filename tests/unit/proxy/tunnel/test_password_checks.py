"""Password checks in threads: shared, bounded, and forgotten for clients that left."""

import contextlib
import logging
import threading
from collections.abc import Iterator

import pytest

from licensegate.proxy.auth.password_hash import PasswordHash, read_hash
from licensegate.proxy.auth.result import PasswordCheck
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.tunnel.password_checks import PasswordChecks
from licensegate.records.secret import Secret
from support.logins import PASSWORD, htpasswd_line
from support.sockets import run, turns, until
from support.tunnel_harness import counting_poller
from support.upstream import SECONDS

STORED = read_hash(htpasswd_line().rstrip().partition(":")[2])
CLIENT = "10.1.2.3"


def check(name: str = "cucm", password: str = PASSWORD, *, is_known: bool = True) -> PasswordCheck:
    return PasswordCheck(Scheme.BASIC, name, Secret(password.encode()), STORED, is_known, f"{name} {password}".encode())


class Waiter:
    """Waits for a check, and notes its result."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def login_checked(self, *, right: bool) -> None:
        self.told.append(right)

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
    """Password hashes that are computed when the test says so; `worked` counts them."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.worked = 0
        self.threads: set[str] = set()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    here, fits, lock = Held(), PasswordHash.fits, threading.Lock()

    def wait(stored: PasswordHash, password: bytes) -> bool:
        with lock:
            here.threads.add(threading.current_thread().name)
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
    ids=["right", "wrong", "right by chance for somebody unknown"],
)
def test_a_waiter_is_called_once_and_later(asked: PasswordCheck, told: bool) -> None:
    async def main() -> None:
        with checks() as here:
            waiting = Waiter()
            assert here.begin(asked, CLIENT, waiting)
            assert waiting.told == []
            await until(lambda: not len(here))
            assert waiting.told == [told]

    run(main())


def test_two_checks_run_in_parallel_and_do_not_block_the_loop(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            for number in range(4):
                here.begin(check(f"user-{number}"), CLIENT, Waiter())
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
            assert all(here.begin(check(), f"10.1.2.{number}", owner) for number, owner in enumerate(waiting))
            held.go.set()
            await until(lambda: not len(here))
            assert [owner.told for owner in waiting] == [[True]] * 20
            assert held.worked == 1

    run(main())


def test_the_number_of_checks_per_client_is_bounded(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            begun = [here.begin(check(f"guess-{number}"), CLIENT, Waiter()) for number in range(20)]
            assert begun == [True] * 16 + [False] * 4
            assert here.begin(check("guess-0"), CLIENT, Waiter()), "no further one"
            assert here.begin(check("other"), "10.1.2.4", Waiter())
            held.go.set()
            await until(lambda: not len(here))
            assert here.begin(check("again"), CLIENT, Waiter())
            await until(lambda: not len(here))

    run(main())


def test_the_total_number_of_checks_is_bounded(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            begun = [here.begin(check(f"{n}"), f"10.0.{n}.1", Waiter()) for n in range(130)]
            assert begun == [True] * 128 + [False] * 2
            held.go.set()
            await until(lambda: not len(here))

    run(main())


def test_a_waiter_that_left_is_not_called_and_its_check_still_counts(held: Held) -> None:
    async def main() -> None:
        with checks() as here:
            gone, stays = Waiter(), Waiter()
            here.begin(check(), CLIENT, gone)
            here.begin(check(), CLIENT, stays)
            here.forget(check(), gone)
            here.forget(check(), gone)
            for number in range(15):
                here.begin(check(f"guess-{number}"), CLIENT, gone)
                here.forget(check(f"guess-{number}"), gone)
            assert not here.begin(check("one more"), CLIENT, gone)
            held.go.set()
            await until(lambda: not len(here))
            assert (gone.told, stays.told) == ([], [True])

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
            here.begin(check(), CLIENT, waiting)
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
            here.begin(check(), CLIENT, failing)
            here.begin(check(), CLIENT, waiting)
            await until(lambda: not len(here))
            assert isinstance(failing.told[0], KeyError)
            assert waiting.told == [True]

    run(main())


def test_closing_waits_for_running_checks_and_starts_no_other(held: Held) -> None:
    """A thread that returned from bcrypt while the interpreter shuts down would abort the process."""

    async def main() -> None:
        with checks() as here:
            for number in range(6):
                here.begin(check(f"user-{number}"), CLIENT, Waiter())
            await until(lambda: len(held.threads) == 2)
            threading.Timer(0.05, held.go.set).start()

    run(main())
    assert held.worked == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("password check")]
