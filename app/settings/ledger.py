"""Reads the `[[client]]` tables and `[ledger]`."""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from licensegate.allowlist.client_networks import Network
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.place import FILE_NAME, LedgerPlace, LedgerSettings, url_fault
from licensegate.licensing.limits import all_families, family_named
from licensegate.proxy.auth.user_files import user_fault
from licensegate.records.secret import Secret

from .address import read_network
from .messages import nearest, shown
from .schema import ClientTable, LedgerTable
from .settings import SettingsError
from .source import SettingsSource

_LONGEST_NAME: Final = 100


def read_clients(tables: Sequence[ClientTable], source: SettingsSource) -> tuple[NamedClient, ...]:
    """The named clients of all `[[client]]` tables. Raises SettingsError."""
    clients: list[NamedClient] = []
    for number, table in enumerate(tables, 1):
        client = _client(table, number, source)
        for earlier, other in enumerate(clients, 1):
            if client.name.lower() == other.name.lower():
                place = source.place("client", number, "name")
                raise SettingsError(
                    f"{place}: {shown(client.name)} is also the name of item {earlier}; rename one of them"
                )
            if shared := _shared(client, other):
                place = source.place("client", number, shared[0])
                raise SettingsError(
                    f"{place}: {shown(shared[1])} is also a client of item {earlier}, {shown(other.name)}; remove it "
                    "from one of them"
                )
        clients.append(client)
    return tuple(clients)


def read_ledger(table: LedgerTable, state_directory: Path | None, source: SettingsSource) -> LedgerSettings:
    """Where the ledger is kept: at the URL, else in the state directory, else nowhere. Raises SettingsError."""
    if not table.url:
        file = None if state_directory is None else state_directory / FILE_NAME
        return LedgerSettings(LedgerPlace(file), table.days)
    if fault := url_fault(table.url):
        raise SettingsError(f"{source.place('ledger.url')}: {fault}")
    if importlib.util.find_spec("psycopg") is None:
        raise SettingsError(
            f"{source.place('ledger.url')}: PostgreSQL needs the package psycopg; install the extra postgresql, as "
            "docs/ledger.md says"
        )
    return LedgerSettings(LedgerPlace(url=Secret(table.url.encode())), table.days)


def client_notes(clients: Sequence[NamedClient]) -> Iterator[str]:
    """Say which products have no clocks of their own."""
    families = [family.name for family in all_families()]
    for client in clients:
        if client.product and family_named(client.product) is None:
            near = nearest(client.product, families)
            meant = f"did you mean {near}?" if near else f"those with limits of their own are {', '.join(families)}"
            yield (
                f"client {shown(client.name)}: the product {shown(client.product)} has no limits of its own, so the "
                f"general ones apply; {meant}"
            )


def _client(table: ClientTable, number: int, source: SettingsSource) -> NamedClient:
    name = table.name.strip()
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        place = source.place("client", number, "name")
        raise SettingsError(
            f"{place}: {shown(table.name)} is not a name; write up to {_LONGEST_NAME} printable characters"
        )
    for key in ("users", "certificates"):
        for item, text in enumerate(getattr(table, key), 1):
            if fault := user_fault(text):
                place = source.place("client", number, key, item)
                raise SettingsError(f"{place}: {shown(text)} is not a valid name: {fault}")
    family = family_named(table.product)
    if table.on_prem and family is not None and family.model == "on_prem":
        place = source.place("client", number, "on_prem")
        raise SettingsError(
            f"{place}: the product {family.name} is the SSM On-Prem itself; set on_prem for products that are "
            "registered with it"
        )
    networks = tuple(_network(text, number, item, source) for item, text in enumerate(table.networks, 1))
    product = table.product if family is None else family.name
    return NamedClient(
        name, networks, table.users, table.certificates, product, on_prem=table.on_prem, reserved=table.reserved
    )


def _network(text: str, number: int, item: int, source: SettingsSource) -> Network:
    try:
        return read_network(text)
    except ValueError as error:
        raise SettingsError(f"{source.place('client', number, 'networks', item)}: {shown(text)} {error}") from None


def _shared(one: NamedClient, other: NamedClient) -> tuple[str, str] | None:
    """The key and the value by which a client could be both; None if each key that both have tells them apart."""
    found = None
    folded = [[name.lower() for name in client.certificates] for client in (one, other)]
    for key, both, common in (
        ("networks", one.networks and other.networks, _common_network(one.networks, other.networks)),
        ("users", one.users and other.users, _common_name(one.users, other.users)),
        ("certificates", one.certificates and other.certificates, _common_name(*folded)),
    ):
        if both:
            if not common:
                return None
            found = found or (key, common)
    return found


def _common_network(some: Sequence[Network], others: Sequence[Network]) -> str:
    for one in some:
        for other in others:
            if one.version == other.version and one.overlaps(other):
                return str(max(one, other, key=lambda network: network.prefixlen))
    return ""


def _common_name(some: Sequence[str], others: Sequence[str]) -> str:
    return next((name for name in some if name in others), "")
