"""The password of an AXL account, in a file. A refused one is not sent again: repeating it locks accounts."""

import contextlib
import hashlib
import os
from functools import partial
from pathlib import Path

from licensegate.files.off_loop import OffLoop
from licensegate.files.read import read_whole
from licensegate.proxy.parent.protocol.password import PASSWORD_BYTES, PasswordError, read_password

from .no_answer import NoAnswerError, NoAnswerReason


class PasswordOnFile:
    """Reads the file for each request, off the event loop. `login` says where which user logs in.

    `refused_file` is the identity of the file whose password was refused, empty without one: a digest that changes when
    the file is written or replaced, or used for another login, and says nothing about the password.
    """

    def __init__(self, file: Path, login: str) -> None:
        self._file = file
        self._login = login
        self.refused_file = ""
        self._identity = ""
        self._refused: str | None = None
        self._off_loop = OffLoop()

    async def read(self) -> str:
        """The password. Raises NoAnswerError: if it cannot be read, or was refused."""
        self._identity, raw = await self._content()
        try:
            password = read_password(raw)
        except PasswordError as error:
            raise NoAnswerError(NoAnswerReason.PASSWORD_FILE, f"the content of {self._file} {error}") from None
        if password == self._refused:
            raise NoAnswerError(NoAnswerReason.LOGIN_REFUSED, "the password is still the refused one")
        return password

    async def is_refused(self) -> bool:
        """Whether the file still has a password that was refused."""
        if self._refused is None:
            return False
        try:
            await self.read()
        except NoAnswerError:
            return True
        return False

    def note_refused(self, password: str) -> None:
        """The product refused this password."""
        self._refused, self.refused_file = password, self._identity

    def is_of(self, file: Path, login: str) -> bool:
        """Whether this is the password of this login, in this file."""
        return (self._file, self._login) == (file, login)

    async def recall_refused(self, identity: str) -> None:
        """The password in the file of this identity was refused before: if it is still there, so is the password."""
        with contextlib.suppress(NoAnswerError):
            password = await self.read()
            if self._identity == identity:
                self.note_refused(password)

    async def _content(self) -> tuple[str, bytes]:
        try:
            found = await self._off_loop.run_briefly(partial(_identified, self._file, self._login), ("", b""))
        except OSError as error:
            raise NoAnswerError(NoAnswerReason.PASSWORD_FILE, f"{self._file}: {error.strerror}") from None
        if self._off_loop.hangs:
            detail = f"{self._file}: its disk or network mount does not answer"
            raise NoAnswerError(NoAnswerReason.PASSWORD_FILE, detail)
        return found


def _identified(file: Path, login: str) -> tuple[str, bytes]:
    """The file's identity, taken before it is read, so that a newer file never bears the name of a refused one."""
    found = os.stat(file)
    written = f"{login}\n{file}\n{found.st_ino} {found.st_mtime_ns} {found.st_size}"
    return hashlib.sha256(written.encode()).hexdigest(), read_whole(file, PASSWORD_BYTES)
