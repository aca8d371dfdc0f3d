"""Reads one of several tables with the same name, such as the second `[[parent]]`. Its errors name the place."""

import os
import ssl
from pathlib import Path
from typing import Generic, TypeVar

from licensegate.certs.roots import roots_context
from licensegate.files.read import read_whole
from licensegate.proxy.parent.protocol.password import PASSWORD_BYTES, PasswordError, read_password

from .file_checks import missing
from .messages import shown
from .schema import Table
from .settings import SettingsError
from .source import SettingsSource

TableT = TypeVar("TableT", bound=Table)


class TableReader(Generic[TableT]):
    """Table `number` of those called `name`; `folder` is that of the settings file.

    What the gate may read although the user who checks its settings cannot is not judged.
    """

    def __init__(self, name: str, table: TableT, number: int, source: SettingsSource, folder: Path) -> None:
        self._name = name
        self._table = table
        self._number = number
        self._source = source
        self._folder = folder

    def error(self, key: str, what: str) -> SettingsError:
        """An error that names the place of a key."""
        return SettingsError(f"{self._source.place(self._name, self._number, key)}: {what}")

    def file(self, key: str) -> Path | None:
        """The file that a key names; None if it names none. Raises SettingsError if there is no such file."""
        text: str = getattr(self._table, key)
        if not text:
            return None
        if "\0" in text:
            raise self.error(key, f"{shown(text)} is not a path; write one, or leave {key} out")
        path = Path(os.path.abspath(self._folder / text))
        if fault := missing(path):
            raise self.error(key, f"{path}: {fault}; name an existing file")
        return path

    def ca(self, which: str) -> Path | None:
        """The file of `ca`, with roots in PEM; `which` says which ones belong there. Raises SettingsError."""
        path = self.file("ca")
        if path is not None:
            try:
                roots_context(path)
            except PermissionError:
                pass
            except ssl.SSLError:
                raise self.error("ca", f"{path} holds no certificate in PEM; name {which}") from None
            except OSError as error:
                raise self.error("ca", f"{path}: {error.strerror}; name a readable file") from None
        return path

    def check_password_file(self, path: Path) -> None:
        """Raise SettingsError unless the file that `password_file` names has one password in it."""
        try:
            read_password(read_whole(path, PASSWORD_BYTES))
        except PermissionError:
            pass
        except OSError as error:
            fault = f"{path}: {error.strerror}; name a file with the password in it"
            raise self.error("password_file", fault) from None
        except PasswordError as error:
            raise self.error("password_file", f"the content of {path} {error}") from None
