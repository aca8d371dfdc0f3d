"""Reads the `[[product]]` tables: products that the gate asks itself, by AXL."""

import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from licensegate.certs.roots import roots_context
from licensegate.files.read import read_whole
from licensegate.ledger.clients import NamedClient
from licensegate.products.settings import LEAST_SECONDS, AskedProduct
from licensegate.proxy.parent.protocol.password import PASSWORD_BYTES, PasswordError, read_password

from .address import read_host
from .duration import read_every
from .file_checks import missing
from .messages import did_you_mean, shown
from .schema import ProductTable
from .settings import SettingsError
from .source import SettingsSource

_PORT: Final = 8443
_ADDRESS: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?|([^:\[\]/@]+)(?::([0-9]{1,5}))?|([0-9A-Fa-f:.]+)")
_VERSION: Final = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}")
_FINGERPRINT: Final = re.compile(r"[0-9A-Fa-f]{64}")


def read_products(
    tables: Sequence[ProductTable], clients: Sequence[NamedClient], source: SettingsSource, folder: Path
) -> tuple[AskedProduct, ...]:
    """The products of all `[[product]]` tables. Raises SettingsError."""
    products: list[AskedProduct] = []
    for number, table in enumerate(tables, 1):
        reader = _Reader(table, number, source, folder)
        product = reader.product(clients)
        for earlier, other in enumerate(products, 1):
            if other.client == product.client:
                raise reader.error("client", f"{shown(product.client)} is asked by item {earlier} too; remove one")
        products.append(product)
    return tuple(products)


class _Reader:
    """Reads one table."""

    def __init__(self, table: ProductTable, number: int, source: SettingsSource, folder: Path) -> None:
        self._table = table
        self._number = number
        self._source = source
        self._folder = folder

    def error(self, key: str, what: str) -> SettingsError:
        """An error that names the place of a key."""
        return SettingsError(f"{self._source.place('product', self._number, key)}: {what}")

    def product(self, clients: Sequence[NamedClient]) -> AskedProduct:
        """The product of this table."""
        table = self._table
        host, port = self._address()
        return AskedProduct(
            client=self._client(clients),
            host=host,
            port=port,
            username=self._username(),
            password_file=self._password_file(),
            ca=self._ca(),
            fingerprint=self._fingerprint(),
            every=self._every(),
            axl_version=self._version(table.axl_version),
        )

    def _client(self, clients: Sequence[NamedClient]) -> str:
        wanted = self._table.client.strip()
        for client in clients:
            if client.name.lower() == wanted.lower():
                return client.name
        near = did_you_mean(wanted, [client.name for client in clients]) if clients else "add one with networks"
        raise self.error("client", f"{shown(wanted)} is not the name of a [[client]]; {near}")

    def _address(self) -> tuple[str, int]:
        text = self._table.address
        parts = _ADDRESS.fullmatch(text)
        if parts is None:
            raise self.error("address", f'{shown(text)} is not an address; write one like "cucm-pub.example.net:8443"')
        port = int(parts[2] or parts[4] or _PORT)
        if not 1 <= port <= 65535:
            raise self.error("address", f"{shown(text)} has a port that is not from 1 to 65535")
        try:
            return read_host(parts[1] or parts[3] or parts[5]), port
        except ValueError as error:
            raise self.error("address", f"{shown(text)} {error}") from None

    def _username(self) -> str:
        name = self._table.username
        if not name or not name.isprintable() or ":" in name:
            raise self.error("username", f"{shown(name)} is not a user; write a name without a colon")
        return name

    def _password_file(self) -> Path:
        path = self._file("password_file")
        if path is None:
            raise self.error("password_file", "it is empty; name a file with the password in it")
        try:
            read_password(read_whole(path, PASSWORD_BYTES))
        except PermissionError:
            pass  # the gate may read files that the user who checks its settings cannot
        except OSError as error:
            raise self.error(
                "password_file", f"{path}: {error.strerror}; name a file with the password in it"
            ) from None
        except PasswordError as error:
            raise self.error("password_file", f"the content of {path} {error}") from None
        return path

    def _ca(self) -> Path | None:
        path = self._file("ca")
        if path is not None:
            try:
                roots_context(path)
            except PermissionError:
                pass  # as above
            except ssl.SSLError:
                raise self.error("ca", f"{path} holds no certificate in PEM; name the root of the product's") from None
            except OSError as error:
                raise self.error("ca", f"{path}: {error.strerror}; name a readable file") from None
        return path

    def _fingerprint(self) -> str:
        text = self._table.certificate
        if not text:
            return ""
        if self._table.ca:
            raise self.error("certificate", "ca is set too; remove one of them")
        digits = text.replace(":", "").replace(" ", "")
        if _FINGERPRINT.fullmatch(digits) is None:
            raise self.error("certificate", f"{shown(text)} is not a SHA-256 fingerprint: 64 hexadecimal digits")
        return digits.lower()

    def _every(self) -> int:
        text = self._table.every
        try:
            seconds = read_every(text)
        except ValueError as error:
            raise self.error("every", f"{shown(text)} {error}") from None
        if seconds is None or seconds < LEAST_SECONDS:
            raise self.error("every", f'{shown(text)} is not from 6 to 24 hours; write one like "6h"')
        return seconds

    def _version(self, text: str) -> str:
        if _VERSION.fullmatch(text) is None:
            raise self.error("axl_version", f'{shown(text)} is not a version; write one like "14.0"')
        return text

    def _file(self, key: str) -> Path | None:
        text: str = getattr(self._table, key)
        if not text:
            return None
        if "\0" in text:
            raise self.error(key, f"{shown(text)} is not a path; write one, or leave {key} out")
        path = (self._folder / text).absolute()
        if fault := missing(path):
            raise self.error(key, f"{path}: {fault}; name an existing file")
        return path
