"""A refused password is not tried again, and an unproven one by one tunnel at a time."""

import asyncio
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.files.read import read_whole
from licensegate.proxy.parent.account import Account
from licensegate.proxy.parent.protocol.scheme import LoginFailedError, LoginRefusedError
from licensegate.proxy.parent.settings import ParentLogin
from licensegate.records.secret import Secret
from support.clock import Clock
from support.sockets import run, turns, until
from support.upstream import SECONDS


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "parent.secret"
    file.write_text("first\n")
    return file


def account_with(secret: Path) -> Account:
    return Account(ParentLogin(username="svc", password_file=secret))


async def log_in(account: Account, *, refused: bool = False, accepted: bool = False) -> str:
    """Log in once, and return the password used."""
    async with account.use_password() as password:
        if refused:
            raise LoginRefusedError("no", wrong_password=True)
        if accepted:
            account.note_accepted(password)
        return password


async def is_refused(account: Account) -> bool:
    try:
        await log_in(account)
    except LoginRefusedError:
        return True
    return False


def test_a_changed_password_file_is_read_again(secret: Path) -> None:
    async def main() -> None:
        account = account_with(secret)
        assert await log_in(account) == "first"
        secret.write_text("second!")
        assert await log_in(account) == "second!"
        replaced = secret.with_suffix(".new")
        replaced.write_text("third!!")
        replaced.rename(secret)
        assert await log_in(account) == "third!!"

    run(main())


def test_a_refused_password_is_not_tried_again_until_its_file_changes(
    secret: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        account = account_with(secret)
        with pytest.raises(LoginRefusedError):
            await log_in(account, refused=True)
        assert await is_refused(account)
        assert await is_refused(account)

        secret.write_text("second\n")
        assert await log_in(account) == "second"

    run(main())
    (line,) = [record.getMessage() for record in caplog.records]
    assert "svc" in line
    assert str(secret) in line
    assert "first" not in line
    assert caplog.records[0].levelno == logging.ERROR


def test_a_password_accepted_before_is_tried_once_at_each_due_time(
    secret: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        clock = Clock()
        account = Account(ParentLogin(username="svc", password_file=secret), clock)
        await log_in(account, accepted=True)
        for wait in (300, 1800, 3600, 3600):
            with pytest.raises(LoginRefusedError):
                await log_in(account, refused=True)
            clock.now += wait - 1
            assert await is_refused(account)
            clock.now += 1

        assert await log_in(account, accepted=True) == "first"
        assert not await is_refused(account)
        assert account.is_proven
        with pytest.raises(LoginRefusedError):
            await log_in(account, refused=True)
        clock.now += 300
        assert not await is_refused(account), "the waits started again"

    run(main())
    said = [record.getMessage() for record in caplog.records]
    assert [re.findall(r"again in (\d+) minutes", line) for line in said] == [["5"], ["30"], ["60"], ["60"], ["5"]]
    assert "first" not in caplog.text


def test_a_retry_that_is_due_is_made_by_one_tunnel(secret: Path) -> None:
    async def main() -> None:
        clock = Clock()
        account = Account(ParentLogin(username="svc", password_file=secret), clock)
        await log_in(account, accepted=True)
        with pytest.raises(LoginRefusedError):
            await log_in(account, refused=True)
        clock.now += 300
        tries = 0

        async def one() -> None:
            nonlocal tries
            async with account.use_password():
                tries += 1
                await turns(5)
                raise LoginRefusedError("no", wrong_password=True)

        ended = await asyncio.gather(*(one() for _ in range(20)), return_exceptions=True)
        assert [type(error) for error in ended] == [LoginRefusedError] * 20
        assert tries == 1

    run(main())


def test_refusals_side_by_side_count_as_one(secret: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock = Clock()
        account = Account(ParentLogin(username="svc", password_file=secret), clock)
        await log_in(account, accepted=True)

        async def one() -> None:
            async with account.use_password():
                await turns(5)
                raise LoginRefusedError("no", wrong_password=True)

        await asyncio.gather(*(one() for _ in range(20)), return_exceptions=True)
        clock.now += 300
        assert not await is_refused(account)

    run(main())
    assert len(caplog.records) == 1


def test_an_acceptance_beside_a_refusal_makes_the_password_usable(secret: Path) -> None:
    async def main() -> None:
        account = Account(ParentLogin(username="svc", password_file=secret), Clock())
        await log_in(account, accepted=True)
        async with account.use_password() as password:
            with pytest.raises(LoginRefusedError):
                await log_in(account, refused=True)
            account.note_accepted(password)
        assert not await is_refused(account)

    run(main())


def test_touching_the_file_does_not_make_an_accepted_password_wrong(secret: Path) -> None:
    async def main() -> None:
        clock = Clock()
        account = Account(ParentLogin(username="svc", password_file=secret), clock)
        await log_in(account, accepted=True)
        os.utime(secret, ns=(1, 1))
        with pytest.raises(LoginRefusedError):
            await log_in(account, refused=True)
        clock.now += 300
        assert not await is_refused(account)

    run(main())


def test_a_new_password_does_not_inherit_the_success_of_the_last(secret: Path) -> None:
    async def main() -> None:
        clock = Clock()
        account = Account(ParentLogin(username="svc", password_file=secret), clock)
        await log_in(account, accepted=True)
        secret.write_text("second\n")
        with pytest.raises(LoginRefusedError):
            await log_in(account, refused=True)
        clock.now += 1e6
        assert await is_refused(account)

    run(main())


def test_touching_the_file_allows_another_try(secret: Path) -> None:
    async def main() -> None:
        account = account_with(secret)
        with pytest.raises(LoginRefusedError):
            await log_in(account, refused=True)
        os.utime(secret, ns=(1, 1))
        assert not await is_refused(account)

    run(main())


def test_a_refused_ticket_may_be_tried_again(secret: Path) -> None:
    async def main() -> None:
        account = account_with(secret)
        with pytest.raises(LoginRefusedError):
            async with account.use_password():
                raise LoginRefusedError("no ticket", wrong_password=False)
        assert not await is_refused(account)

    run(main())


def test_an_unproven_password_is_tried_by_one_tunnel_at_a_time(secret: Path) -> None:
    async def main() -> None:
        account = account_with(secret)
        go_on = asyncio.Event()
        tries = 0

        async def one() -> str:
            nonlocal tries
            async with account.use_password():
                tries += 1
                await go_on.wait()
                raise LoginRefusedError("no", wrong_password=True)

        tasks = [asyncio.ensure_future(one()) for _ in range(5)]
        await until(lambda: tries == 1)
        await turns(20)
        go_on.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert tries == 1
        assert [type(error) for error in ended] == [LoginRefusedError] * 5

    run(main())


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_proven_password_is_used_concurrently(secret: Path, when: str) -> None:
    async def main() -> None:
        account = account_with(secret)
        go_on = asyncio.Event()
        inside = 0

        async def one() -> None:
            nonlocal inside
            async with account.use_password() as password:
                inside += 1
                if when == "meanwhile" and inside == 1:
                    await turns(5)
                    account.note_accepted(password)
                    return
                await go_on.wait()

        if when == "before":
            await log_in(account, accepted=True)
        tasks = [asyncio.ensure_future(one()) for _ in range(5)]
        await until(lambda: inside == 5)
        go_on.set()
        assert await asyncio.gather(*tasks) == [None] * 5

    run(main())


def test_a_waiting_login_runs_after_one_that_failed(secret: Path) -> None:
    async def main() -> None:
        account = account_with(secret)
        first = asyncio.Event()

        async def fails() -> None:
            async with account.use_password():
                await first.wait()
                raise LoginFailedError("the line is dead")

        failing = asyncio.ensure_future(fails())
        await until(account._unproven.locked)
        waiting = asyncio.ensure_future(log_in(account))
        cancelled = asyncio.ensure_future(log_in(account))
        await turns(3)
        cancelled.cancel()
        first.set()
        assert await waiting == "first"
        with pytest.raises(LoginFailedError):
            await failing

    run(main())


def test_a_refusal_of_the_old_password_leaves_the_new_one_usable(secret: Path) -> None:
    async def main() -> None:
        account = account_with(secret)
        await log_in(account, accepted=True)

        async def is_overtaken() -> None:
            async with account.use_password():
                secret.write_text("second\n")
                await log_in(account, accepted=True)
                raise LoginRefusedError("no", wrong_password=True)

        with pytest.raises(LoginRefusedError):
            await is_overtaken()
        assert await log_in(account) == "second"

    run(main())


def test_a_refused_password_from_the_environment_stays_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        account = Account(ParentLogin(username="svc", password_env="PARENT_PASSWORD", password=Secret(b"hidden")))
        assert await log_in(account) == "hidden"
        with pytest.raises(LoginRefusedError):
            await log_in(account, refused=True)
        assert await is_refused(account)

    run(main())
    assert "PARENT_PASSWORD" in caplog.text
    assert "hidden" not in caplog.text


@pytest.mark.parametrize("content", [None, b"", b"\xff"], ids=["no file", "empty", "not text"])
def test_an_unreadable_password_is_read_once_it_can_be(secret: Path, content: bytes | None) -> None:
    async def main() -> None:
        account = account_with(secret)
        secret.unlink()
        if content is not None:
            secret.write_bytes(content)
        for _ in range(2):
            with pytest.raises(LoginFailedError) as raised:
                await log_in(account)
            assert str(secret) in str(raised.value)
        secret.write_text("second")
        assert await log_in(account) == "second"

    run(main())


def test_logins_without_a_password_run_concurrently(tmp_path: Path) -> None:
    async def main() -> None:
        account = Account(ParentLogin(keytab=tmp_path / "keytab"))
        async with account.use_password() as one, account.use_password() as another:
            assert (one, another) == ("", "")

    run(main())


def test_no_repr_contains_a_secret(secret: Path) -> None:
    async def main() -> None:
        login = ParentLogin(username="svc", password_env="PARENT_PASSWORD", password=Secret(b"hidden"))
        account = Account(login)
        await log_in(account)
        for thing in (login, account, account.tickets, account_with(secret)):
            assert "hidden" not in f"{thing!r} {thing}"
            assert "first" not in f"{thing!r} {thing}"

    run(main())


class Mount:
    """A network mount that a test lets hang."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._answers = threading.Event()
        self.answer()

    def hang(self) -> None:
        self._patch.setattr("licensegate.files.off_loop._BRIEFLY_SECONDS", 0.01)
        self._answers.clear()

    def answer(self) -> None:
        self._patch.setattr("licensegate.files.off_loop._BRIEFLY_SECONDS", SECONDS)
        self._answers.set()

    def read(self, file: Path, at_most: int) -> bytes:
        self._answers.wait()
        return read_whole(file, at_most)


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mount]:
    mount = Mount(monkeypatch)
    monkeypatch.setattr("licensegate.proxy.parent.account.read_whole", mount.read)
    yield mount
    mount.answer()


def test_the_last_password_is_used_while_its_mount_hangs(
    secret: Path, mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        account = account_with(secret)
        assert await log_in(account, accepted=True) == "first"
        secret.write_text("second!")
        mount.hang()
        threads = threading.active_count()
        for _ in range(5):
            assert await log_in(account) == "first"
        assert threading.active_count() <= threads + 1
        mount.answer()
        await until(lambda: not account._off_loop.hangs)
        assert await log_in(account) == "second!"

    run(main())

    assert [message.partition(", ")[0] for message in caplog.messages] == [f"{secret} cannot be read"]


def test_no_login_is_tried_with_a_password_that_was_never_read(secret: Path, mount: Mount) -> None:
    async def main() -> None:
        mount.hang()
        with pytest.raises(LoginFailedError, match="does not answer"):
            await log_in(account_with(secret))

    run(main())
