"""`licensegate product`: asks a product of the settings itself, once, and prints what it says about its licences."""

import argparse
import asyncio
import io
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from licensegate.app.observers.ledger import ask_entry, last_ask_of
from licensegate.app.settings import Settings
from licensegate.app.settings.messages import did_you_mean, shown
from licensegate.app.terminal import complain, readers_language, say
from licensegate.app.version import version
from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.engine import LedgerUnavailableError
from licensegate.ledger.product_words import product_entry
from licensegate.ledger.store import Store
from licensegate.licensing.meaning import explain
from licensegate.products.by_hand import ask_by_hand
from licensegate.products.memory import LastAsk, ShortMemory
from licensegate.products.no_answer import NoAnswerError
from licensegate.products.settings import AskedProduct

from .ledger import open_store
from .license import NamedOutput, printed
from .settings_file import load_or_exit

NOTES: Final = """\
  NAME is the client of a [[product]] in the settings; without it all are asked, one after the other. Sends one request
  that only reads, AXL's getSmartLicenseStatus, and prints what `licensegate license` prints. docs/products.md has the
  account that the product needs.

  Where a ledger is kept, the answer is kept beside the client and counts as if the gate had asked: the gate waits as
  after a question of its own, and a password that the product refused is not sent again until its file changes.

    licensegate product ask "CUCM-PUB Tokyo"

exit status:
  0  every product answered
  1  one did not; the error says why
  2  the command line, the settings or the ledger cannot be used
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    asking = actions.add_parser("ask", help="ask once, now")
    asking.add_argument("name", metavar="NAME", nargs="?", help="the client of the product; without it, all products")
    asking.add_argument("--json", action="store_true", help="print JSON: an object, or a list of one per product")
    asking.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")


def run(arguments: argparse.Namespace) -> int:
    """Ask the products and print their answers."""
    settings = load_or_exit(arguments.config)
    try:
        products = _wanted(settings, arguments.name)
    except ValueError as error:
        return complain(str(error))
    try:
        with open_store(settings) if settings.ledger.place.is_kept else nullcontext() as store:
            outputs, failures = asyncio.run(_ask(products, settings, store))
    except LedgerUnavailableError as error:
        return complain(
            f"the ledger in {settings.ledger.place}, which knows what products were asked, cannot be used: {error}"
        )
    language = readers_language(encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # Japanese
    status = say(printed(outputs, "json" if arguments.json else "table", language), end="") if outputs else 0
    for failure in failures:
        complain(failure)
    return status or bool(failures)


def _wanted(settings: Settings, name: str | None) -> Sequence[AskedProduct]:
    if not settings.products:
        raise ValueError("there is no [[product]] in the settings; docs/products.md says how to add one")
    if name is None:
        return settings.products
    found = [product for product in settings.products if product.client.lower() == name.lower()]
    if not found:
        near = did_you_mean(name, [product.client for product in settings.products])
        raise ValueError(f"{shown(name)} is not the client of a [[product]]; {near}")
    return found


async def _ask(
    products: Sequence[AskedProduct], settings: Settings, store: Store | None
) -> tuple[list[NamedOutput], list[str]]:
    families = {client.name: client.product for client in settings.named_clients}
    memory = ShortMemory() if store is None else _StoreMemory(store)
    outputs: list[NamedOutput] = []
    failures: list[str] = []
    for product in products:
        now = datetime.now(UTC)
        try:
            reading = await ask_by_hand(product, f"LicenseGate/{version()}", memory, now)
        except NoAnswerError as error:
            failures.append(f"{product.client} at {product.address}: {error}")
        else:
            if store is not None:
                store.add([product_entry(ClientKey(ClientKind.NAMED, product.client), reading, now)])
            explained = explain(reading, now, family=families[product.client])
            outputs.append(NamedOutput(product.client, reading, explained))
    return outputs, failures


class _StoreMemory:
    """Keeps the last asks in the ledger, as a gate does."""

    is_ready = True

    def __init__(self, store: Store) -> None:
        self._store = store

    def last_ask(self, client: str) -> LastAsk | None:
        key = ClientKey(ClientKind.NAMED, client)
        found = self._store.histories([key])[key].ask
        return None if found is None else last_ask_of(found)

    def keep_ask(self, client: str, ask: LastAsk) -> None:
        self._store.add([ask_entry(client, ask)])
