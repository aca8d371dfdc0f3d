"""Reads the `[[parent]]` tables: parent proxies and the gate's login at each."""

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

from licensegate.app.version import version
from licensegate.certs.roots import roots_context
from licensegate.files.read import read_whole
from licensegate.proxy.parent.protocol.password import PASSWORD_BYTES, PasswordError, read_password
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentProxy, ParentSettings
from licensegate.proxy.parent.tickets import kerberos_is_installed
from licensegate.records.record import DIRECT
from licensegate.records.secret import Secret

from .address import read_parent_url
from .file_checks import missing
from .messages import shown
from .schema import ParentTable
from .settings import SettingsError
from .source import SettingsSource


def read_parents(
    tables: Sequence[ParentTable], source: SettingsSource, folder: Path, environ: Mapping[str, str]
) -> ParentSettings:
    """The settings of all `[[parent]]` tables. Raises SettingsError."""
    parents: list[ParentProxy] = []
    for number, table in enumerate(tables, 1):
        reader = _Reader(table, number, source, folder, environ)
        if table.url == DIRECT:
            reader.check_direct(last=number == len(tables))
            return ParentSettings(tuple(parents), direct=True)
        parent = reader.parent()
        if parent.address in [other.address for other in parents]:
            raise reader.error("url", f"{shown(table.url)} is named twice; remove one of them")
        parents.append(parent)
    return ParentSettings(tuple(parents), direct=not parents)


class _Reader:
    """Reads one table."""

    def __init__(
        self, table: ParentTable, number: int, source: SettingsSource, folder: Path, environ: Mapping[str, str]
    ) -> None:
        self._table = table
        self._number = number
        self._origin = source
        self._folder = folder
        self._environ = environ

    def error(self, key: str, what: str) -> SettingsError:
        """An error that names the place of a key."""
        return SettingsError(f"{self._origin.place('parent', self._number, key)}: {what}")

    def check_direct(self, *, last: bool) -> None:
        """Raise SettingsError unless `direct` is the last entry and has no other key."""
        if not last:
            raise self.error("url", f'"{DIRECT}" stands before a proxy, which would never be used; move it to the end')
        if self._table != ParentTable(DIRECT):
            raise self.error("url", f'"{DIRECT}" is not a proxy, so it has no other keys')

    def parent(self) -> ParentProxy:
        """The proxy of this table."""
        table = self._table
        try:
            tls, host, port = read_parent_url(table.url)
        except ValueError as error:
            raise self.error("url", f"{shown(_without_login(table.url))} {error}") from None
        if table.ca and not tls:
            raise self.error("ca", "the roots are for https:// proxies only; write https:// in url, or remove ca")
        return ParentProxy(host, port, tls, self._ca(), self._login(), table.target, table.seconds, self._user_agent())

    def _user_agent(self) -> str:
        """What the gate calls itself at the proxy. A field value of ASCII, RFC 9110 section 5.5."""
        text = self._table.user_agent
        if text and not (text.isascii() and text.isprintable() and text == text.strip()):
            raise self.error("user_agent", f"{shown(text)} is not a line of ASCII characters")
        return text or f"LicenseGate/{version()}"

    def _ca(self) -> Path | None:
        path = self._file("ca")
        if path is not None:
            try:
                roots_context(path)
            except PermissionError:
                pass  # the gate may read files that the user who checks its settings cannot
            except ssl.SSLError:
                raise self.error(
                    "ca", f"{path} holds no certificate in PEM; name the root that signed the proxy's"
                ) from None
            except OSError as error:
                raise self.error("ca", f"{path}: {error.strerror}; name a readable file") from None
        return path

    def _login(self) -> ParentLogin:
        table = self._table
        login = ParentLogin(
            auth=table.auth,
            username=table.username,
            password_file=self._file("password_file"),
            password_env=table.password_env,
            password=self._password(),
            keytab=self._file("keytab"),
            ticket_cache=table.ticket_cache,
        )
        self._check_password_file(login.password_file)
        self._check_login(login)
        return login

    def _password(self) -> Secret | None:
        variable = self._table.password_env
        if not variable:
            return None
        if self._table.password_file:
            raise self.error("password_env", "password_file is set too; remove one of them")
        if variable not in self._environ:
            fault = "there is no such environment variable; write the name of one here, and the password there"
            raise self.error("password_env", fault)  # without the value, which may be the password
        try:
            return Secret(read_password(os.fsencode(self._environ[variable])).encode())
        except PasswordError as error:
            raise self.error("password_env", f"the value of {variable} {error}") from None

    def _check_password_file(self, path: Path | None) -> None:
        if path is None:
            return
        try:
            read_password(read_whole(path, PASSWORD_BYTES))
        except PermissionError:
            pass  # as above
        except OSError as error:
            raise self.error(
                "password_file", f"{path}: {error.strerror}; name a file with the password in it"
            ) from None
        except PasswordError as error:
            raise self.error("password_file", f"the content of {path} {error}") from None

    def _check_login(self, login: ParentLogin) -> None:
        """Raise SettingsError unless the keys of the login fit together."""
        if not login.username.isprintable():
            raise self.error("username", f"{shown(login.username)} has characters that cannot be printed")
        if login.has_password and not login.username:
            raise self.error("username", "there is a password but no user name")
        if login.has_password and (login.keytab or login.ticket_cache):
            raise self.error("keytab" if login.keytab else "ticket_cache", "a password is set too; remove one of them")
        if login.keytab and login.ticket_cache:
            raise self.error("ticket_cache", "keytab is set too; remove one of them")
        match login.auth:
            case ParentAuth.NONE:
                if login != ParentLogin(ParentAuth.NONE):
                    raise self.error("auth", '"none" never logs in; remove the other keys of the login, or change auth')
            case ParentAuth.AUTO:
                if login.username and not (login.has_password or login.keytab or login.ticket_cache):
                    raise self.error("username", "there is no password for it; name its file in password_file")
            case ParentAuth.NEGOTIATE:
                if not kerberos_is_installed():
                    fault = '"negotiate" needs python-gssapi, which is not installed; see docs/parents.md, Kerberos'
                    raise self.error("auth", fault)
            case _:
                if not login.has_password:
                    raise self.error("auth", f'"{login.auth}" needs a username, and a password_file or a password_env')
                if login.auth is ParentAuth.BASIC and ":" in login.username:
                    raise self.error("username", "contains a colon, which Basic cannot carry")

    def _file(self, key: str) -> Path | None:
        text: str = getattr(self._table, key)
        if not text:
            return None
        if "\0" in text:
            raise self.error(key, f"{shown(text)} is not a path; write one, or leave {key} out")
        path = Path(os.path.abspath(self._folder / text))
        if fault := missing(path):
            raise self.error(key, f"{path}: {fault}; name an existing file")
        return path


def _without_login(url: str) -> str:
    """The URL with dots instead of a login, which may contain a password."""
    return re.sub(r"(\w+://)?.*@", r"\1...@", url, flags=re.DOTALL)
