"""Who the gate is at a parent proxy: a user and a password, and whether that password may be tried.

An account may be locked after a few wrong passwords, so a refused one is not tried again until the file that it came
from changes, or the settings do. Until a password has once been taken, only one login with it goes on at a time: what
many tunnels ask for at once must not be many tries.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from ..settings import ParentLogin
from .scheme import LoginFailedError, LoginRefusedError
from .tickets import Tickets

_PASSWORD_BYTES: Final = 4096

_log = logging.getLogger(__name__)


class Account:
    """One account; parents with the same login share it. `tickets` are its Kerberos tickets."""

    def __init__(self, login: ParentLogin) -> None:
        self._login = login
        self.tickets = Tickets(login.username, login.keytab, login.ticket_cache)
        self._read_as: tuple[int, ...] | None = None
        self._password = ""
        self._refused = ""
        self._proven = not login.has_password
        self._turn = asyncio.Lock()

    def __str__(self) -> str:
        return self._login.username or "an account without a name"

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[str]:
        """May log in now, with this password; perhaps empty. What the login raises is noted.

        Raises LoginRefusedError if it was refused before, and LoginFailedError if it cannot be read.
        """
        self._look()
        async with contextlib.AsyncExitStack() as waiting:
            if not self._proven:
                await waiting.enter_async_context(self._turn)
                self._look()
                if self._proven:
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
            self._proven = True

    def _refuse(self, said: str) -> None:
        source = self._login.password_file or f"the environment variable {self._login.password_env}"
        self._refused = said or "its password was refused"
        self._proven = False
        _log.error(
            "the login of %s to a parent proxy was refused (%s): lest the account be locked, its password is not tried "
            "again until %s or the settings change",
            self,
            self._refused,
            source,
        )

    def _look(self) -> None:
        """Read the password if it may have changed."""
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
                    self._adopt(file.read(_PASSWORD_BYTES + 1), read_as)
        except OSError as error:
            raise LoginFailedError(f"{login.password_file}: {error.strerror}") from None

    def _adopt(self, raw: bytes, read_as: tuple[int, ...]) -> None:
        if read_as == self._read_as:
            return
        self._read_as = read_as
        self._password = read_password(raw)
        self._refused = ""
        self._proven = False


def read_password(raw: bytes) -> str:
    """The password that a file holds, without the end of its line; raises LoginFailedError for what is none."""
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        password = line.decode()
    except UnicodeDecodeError:
        raise LoginFailedError("its password is not text in UTF-8") from None
    if not password or len(raw) > _PASSWORD_BYTES or any(sign in password for sign in "\r\n\0"):
        raise LoginFailedError("its password must be one line, and not an empty one")
    return password
