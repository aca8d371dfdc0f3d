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
        self.refresh()
        async with contextlib.AsyncExitStack() as lock:
            if not self.is_proven:
                await lock.enter_async_context(self._unproven)
                self.refresh()
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
        try:
            status = login.password_file.stat()
            version = (status.st_ino, status.st_size, status.st_mtime_ns)
            if version != self._file_version:
                self._set_password(read_whole(login.password_file, PASSWORD_BYTES), version)
        except OSError as error:
            raise LoginFailedError(f"{login.password_file}: {error.strerror}") from None
        except PasswordError as error:
            raise LoginFailedError(f"the content of {login.password_file} {error}") from None

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
