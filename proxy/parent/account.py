"""Who the gate is at a parent proxy: a user and a password, and whether that password may be tried.

An account may be locked after a few wrong passwords, so a refused one is not tried again until the file that it came
from changes, or the settings do. Until a password has once been taken, only one login with it goes on at a time: what
many tunnels ask for at once must not be many tries.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from .protocol.password import PASSWORD_BYTES, PasswordError, read_password
from .protocol.scheme import LoginFailedError, LoginRefusedError
from .settings import ParentLogin
from .tickets import Tickets

_log = logging.getLogger(__name__)


class Account:
    """One account; parents with the same login share it. `tickets` are its Kerberos tickets.

    `is_proven` says that a parent has taken its password, or that it has none.
    """

    def __init__(self, login: ParentLogin) -> None:
        self._login = login
        self.tickets = Tickets(login.username, login.keytab, login.ticket_cache)
        self._read_as: tuple[int, ...] | None = None
        self._password = ""
        self._refused = ""
        self.is_proven = not login.has_password
        self._turn = asyncio.Lock()

    def __str__(self) -> str:
        return self._login.username or "an account without a name"

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[str]:
        """Wait until a login may be tried, and lend the password for it, perhaps an empty one.

        A refusal that the block raises is noted. Raises LoginRefusedError if the password was refused before, and
        LoginFailedError if it cannot be read.
        """
        self.look()
        async with contextlib.AsyncExitStack() as waiting:
            if not self.is_proven:
                await waiting.enter_async_context(self._turn)
                self.look()
                if self.is_proven:
                    await waiting.aclose()
            if self._refused:
                raise LoginRefusedError(f"{self._refused}, and was not tried again", of_password=True)
            password = self._password
            try:
                yield password
            except LoginRefusedError as refused:
                if refused.of_password and password == self._password:
                    self._refuse(str(refused))
                raise

    def prove(self, password: str) -> None:
        """This password was taken."""
        if password == self._password:
            self.is_proven = True

    def look(self) -> None:
        """Read the password if it may have changed; raises LoginFailedError if it cannot be read."""
        login = self._login
        if login.password is not None:
            self._adopt(login.password.raw, (0,))
        if login.password_file is None:
            return
        try:
            status = login.password_file.stat()
            read_as = (status.st_ino, status.st_size, status.st_mtime_ns)
            if read_as != self._read_as:
                with login.password_file.open("rb") as file:
                    self._adopt(file.read(PASSWORD_BYTES + 1), read_as)
        except OSError as error:
            raise LoginFailedError(f"{login.password_file}: {error.strerror}") from None
        except PasswordError as error:
            raise LoginFailedError(f"the content of {login.password_file} {error}") from None

    def _refuse(self, said: str) -> None:
        source = self._login.password_file or f"the environment variable {self._login.password_env}"
        self._refused = said or "its password was refused"
        self.is_proven = False
        _log.error(
            "the login of %s to a parent proxy was refused (%s): lest the account be locked, its password is not tried "
            "again until %s or the settings change",
            self,
            self._refused,
            source,
        )

    def _adopt(self, raw: bytes, read_as: tuple[int, ...]) -> None:
        if read_as == self._read_as:
            return
        self._password = read_password(raw)
        self._read_as = read_as
        self._refused = ""
        self.is_proven = False
