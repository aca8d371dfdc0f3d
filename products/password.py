"""The password of an AXL account, in a file. A refused one is not sent again: repeating it locks accounts."""

from functools import partial
from pathlib import Path

from licensegate.files.off_loop import OffLoop
from licensegate.files.read import read_whole
from licensegate.proxy.parent.protocol.password import PASSWORD_BYTES, PasswordError, read_password

from .no_answer import NoAnswerError, NoAnswerReason


class PasswordOnFile:
    """Reads the file for each request, off the event loop."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._refused: str | None = None
        self._off_loop = OffLoop()

    async def read(self) -> str:
        """The password. Raises NoAnswerError: if it cannot be read, or was refused."""
        raw = await self._content()
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
        self._refused = password

    async def _content(self) -> bytes:
        try:
            found = await self._off_loop.run_briefly(partial(read_whole, self._file, PASSWORD_BYTES), b"")
        except OSError as error:
            raise NoAnswerError(NoAnswerReason.PASSWORD_FILE, f"{self._file}: {error.strerror}") from None
        if self._off_loop.hangs:
            detail = f"{self._file}: its disk or network mount does not answer"
            raise NoAnswerError(NoAnswerReason.PASSWORD_FILE, detail)
        return found
