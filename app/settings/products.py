"""Reads the `[[product]]` tables: products that the gate asks itself, by AXL."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from licensegate.ledger.clients import NamedClient
from licensegate.products.settings import LEAST_SECONDS, AskedProduct

from .address import read_host
from .duration import read_every
from .messages import did_you_mean, shown
from .schema import ProductTable
from .source import SettingsSource
from .table_reader import TableReader

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
        reader = _Reader("product", table, number, source, folder)
        product = reader.product(clients)
        for earlier, other in enumerate(products, 1):
            if other.client == product.client:
                raise reader.error("client", f"{shown(product.client)} is asked by item {earlier} too; remove one")
        products.append(product)
    return tuple(products)


class _Reader(TableReader[ProductTable]):
    """Reads one table."""

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
            ca=self.ca("the root of the product's"),
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
        path = self.file("password_file")
        if path is None:
            raise self.error("password_file", "it is empty; name a file with the password in it")
        self.check_password_file(path)
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
