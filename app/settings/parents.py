"""Reads the `[[parent]]` tables: parent proxies and the gate's login at each."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from licensegate.app.version import version
from licensegate.proxy.parent.protocol.password import PasswordError, read_password
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentProxy, ParentSettings
from licensegate.proxy.parent.tickets import kerberos_is_installed
from licensegate.records.record import DIRECT
from licensegate.records.secret import Secret

from .address import read_parent_url
from .messages import shown
from .schema import ParentTable
from .source import SettingsSource
from .table_reader import TableReader

_ESCAPED: Final = re.compile("[\b\t\n\f\r]")
"""What TOML makes of a backslash before b, t, n, f and r in double quotes."""


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


class _Reader(TableReader[ParentTable]):
    """Reads one table."""

    def __init__(
        self, table: ParentTable, number: int, source: SettingsSource, folder: Path, environ: Mapping[str, str]
    ) -> None:
        super().__init__("parent", table, number, source, folder)
        self._environ = environ

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
        return ParentProxy(
            host,
            port,
            tls,
            self.ca("the root that signed the proxy's"),
            self._login(),
            table.target,
            table.seconds,
            self._user_agent(),
        )

    def _user_agent(self) -> str:
        """What the gate calls itself at the proxy. A field value of ASCII, RFC 9110 section 5.5."""
        text = self._table.user_agent
        if text and not (text.isascii() and text.isprintable() and text == text.strip()):
            raise self.error("user_agent", f"{shown(text)} is not a line of ASCII characters")
        return text or f"LicenseGate/{version()}"

    def _login(self) -> ParentLogin:
        table = self._table
        login = ParentLogin(
            auth=table.auth,
            username=table.username,
            password_file=self.file("password_file"),
            password_env=table.password_env,
            password=self._password(),
            keytab=self.file("keytab"),
            ticket_cache=table.ticket_cache,
        )
        if login.password_file is not None:
            self.check_password_file(login.password_file)
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

    def _check_login(self, login: ParentLogin) -> None:
        """Raise SettingsError unless the keys of the login fit together."""
        if not login.username.isprintable():
            meant = (
                "; a backslash belongs in single quotes: 'CORP\\svc-licensing'"
                if _ESCAPED.search(login.username)
                else ""
            )
            raise self.error("username", f"{shown(login.username)} has characters that cannot be printed{meant}")
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


def _without_login(url: str) -> str:
    """The URL with dots instead of a login, which may contain a password."""
    return re.sub(r"(\w+://)?.*@", r"\1...@", url, flags=re.DOTALL)
