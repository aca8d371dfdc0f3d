"""The gate's account at a parent proxy: user name, password, and whether that password may be tried.

A few wrong passwords may lock an account. So a refused password is not tried again until its file or the settings
change; one that was accepted before is tried again later (`retries`). While a password is not proven, only one login at
a time uses it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from licensegate.files.off_loop import OffLoop
from licensegate.files.read import read_whole

from .protocol.password import PASSWORD_BYTES, PasswordError, read_password
from .protocol.scheme import LoginFailedError, LoginRefusedError
from .retries import PasswordRetries
from .settings import ParentLogin
from .tickets import Tickets

_log = logging.getLogger(__name__)


class Account:
    """One account, shared by all parents with the same login. `tickets` are its Kerberos tickets.

    `is_proven` is true once a parent has accepted the password, until one refuses it, and for an account without one.
    `clock` is any steady time in seconds.
    """

    def __init__(self, login: ParentLogin, clock: Callable[[], float] = time.monotonic) -> None:
        self._login = login
        self._clock = clock
        self.tickets = Tickets(login.username, login.keytab, login.ticket_cache)
        self._off_loop = OffLoop()
        self._file_version: tuple[int, ...] | None = None
        self._password = ""
        self._refusal = ""
        self._refusals = 0
        self._retries = PasswordRetries()
        self.is_proven = not login.has_password
        self._unproven = asyncio.Lock()

    def __str__(self) -> str:
        return self._login.username or "an account without a name"

    @contextlib.asynccontextmanager
    async def use_password(self) -> AsyncIterator[str]:
        """Wait until a login may be tried, and yield its password, "" for an account without one.

        Remembers a LoginRefusedError that the block raises. Raises LoginRefusedError if the password was refused
        before and is not to be tried again now, and LoginFailedError if it cannot be read.
        """
        await self._look()
        async with contextlib.AsyncExitStack() as lock:
            if not self.is_proven:
                await lock.enter_async_context(self._unproven)
                await self._look()
                if self.is_proven:
                    await lock.aclose()
            if self._refusal and not self._retries.is_due(self._clock()):
                raise LoginRefusedError(f"{self._refusal}, and was not tried again", wrong_password=True)
            password, refusals = self._password, self._refusals
            try:
                yield password
            except LoginRefusedError as refused:
                # Logins that were under way side by side are refused for one cause.
                if refused.wrong_password and password == self._password and refusals == self._refusals:
                    self._note_refusal(str(refused))
                raise

    def note_accepted(self, password: str) -> None:
        """A parent accepted this password."""
        if password != self._password:
            return
        self.is_proven = True
        self._retries.accepted()
        if self._refusal:
            self._refusal = ""
            _log.info("the login of %s to a parent proxy, which was refused before, is accepted again", self)

    def refresh(self) -> None:
        """Read the password again if its file has changed. Raises LoginFailedError if it cannot be read."""
        login = self._login
        if login.password is not None:
            self._set_password(login.password.raw, (0,))
        if login.password_file is None:
            return
        self._use(_read(login.password_file, self._file_version), login.password_file)

    async def _look(self) -> None:
        """Do what `refresh` does, but read the file off the event loop.

        While its disk or network mount hangs, the password that was read before stays in use.
        """
        file, off_loop = self._login.password_file, self._off_loop
        if file is None:
            self.refresh()
            return
        hung = off_loop.hangs
        self._use(await off_loop.run_briefly(partial(_read, file, self._file_version), None), file)
        if off_loop.hangs and self._file_version is None:
            raise LoginFailedError(f"{file}: it cannot be read, its disk or network mount does not answer")
        if off_loop.hangs and not hung:
            _log.error("%s cannot be read, its disk or network mount does not answer; its last password is used", file)

    def _use(self, found: tuple[bytes, tuple[int, ...]] | None, file: Path) -> None:
        """Use the content of a password file that has changed, and its version."""
        if found is None:
            return
        try:
            self._set_password(*found)
        except PasswordError as error:
            raise LoginFailedError(f"the content of {file} {error}") from None

    def _note_refusal(self, detail: str) -> None:
        source = self._login.password_file or f"the environment variable {self._login.password_env}"
        self._refusal = detail or "its password was refused"
        self._refusals += 1
        self._retries.refused(self._clock())
        self.is_proven = False
        wait = self._retries.wait
        if wait is None:
            _log.error(
                "the login of %s to a parent proxy was refused (%s); its password is not tried again, which could lock "
                "the account, until %s or the settings change",
                self,
                self._refusal,
                source,
            )
        else:
            _log.error(
                "the login of %s to a parent proxy was refused (%s), though its password was accepted before; it is "
                "tried again in %d minutes, or as soon as %s or the settings change",
                self,
                self._refusal,
                wait // 60,
                source,
            )

    def _set_password(self, raw: bytes, version: tuple[int, ...]) -> None:
        if version == self._file_version:
            return
        password = read_password(raw)
        if password != self._password:
            self._retries = PasswordRetries()
        self._password = password
        self._file_version = version
        self._refusal = ""
        self.is_proven = False


def _read(file: Path, known: tuple[int, ...] | None) -> tuple[bytes, tuple[int, ...]] | None:
    """Read a file and its version; None if it has the version that is known. Raises LoginFailedError."""
    try:
        status = file.stat()
        version = (status.st_ino, status.st_size, status.st_mtime_ns)
        return None if version == known else (read_whole(file, PASSWORD_BYTES), version)
    except OSError as error:
        raise LoginFailedError(f"{file}: {error.strerror}") from None
