"""The parts of a gate in one process: what one of them hands to another."""

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from licensegate.app.observers.opened_logs import open_logs
from licensegate.app.service.components import Components
from licensegate.app.service.logs import ServiceLog
from licensegate.app.service.parts import read_parts
from licensegate.app.settings import Log
from licensegate.app.settings.log_place import log_file
from licensegate.ledger.entries import AskEntry
from licensegate.ledger.place import FILE_NAME, LedgerPlace
from licensegate.ledger.standing import ClientStanding
from licensegate.ledger.store import Store
from support.axl import StandInAxl
from support.settings_file import settings_of
from support.sockets import run, turns, until
from support.upstream import SECONDS


async def heard(text: str, folder: Path) -> ClientStanding:
    """Run the gate of these settings until its product has answered and the ledger has the answer."""
    log, opened = ServiceLog(), open_logs(Log(log_file(os.devnull)))
    components = Components(read_parts(settings_of(folder, text)), opened, log)
    (product,) = components.products.products.values()
    product.schedule.due = 0.0
    asking = asyncio.ensure_future(asyncio.sleep(0))
    try:
        async with asyncio.timeout(SECONDS):
            while not components.ledger.is_ready:
                await asyncio.sleep(0.01)
            asking = asyncio.ensure_future(components.products.run())
            while True:
                writer = components.ledger.writer
                for _, stands in () if writer is None else writer.standings:
                    if stands.said is not None:
                        return stands
                await asyncio.sleep(0.01)
    finally:
        asking.cancel()
        components.close()
        log.stop()


def test_what_a_product_answers_reaches_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "axl.password").write_text("s3cret\n")
    with StandInAxl(tmp_path) as axl:
        stands = asyncio.run(
            heard(
                f"""
                [[listen]]
                address = "127.0.0.1:0"
                [state]
                directory = "."
                [[client]]
                name = "CUCM-PUB"
                product = "CUCM"
                [[product]]
                client = "CUCM-PUB"
                address = "localhost:{axl.port}"
                username = "reader"
                password_file = "axl.password"
                ca = "{axl.root}"
                """,
                tmp_path,
            )
        )

    store = Store(LedgerPlace(tmp_path / FILE_NAME))
    store.open()
    kept, ask = store.entries()
    store.close()
    assert stands.deadlines["authorization"].printed
    assert kept.client.name == ask.client.name == "CUCM-PUB"
    assert isinstance(ask, AskEntry)
    assert ask.again > datetime.now(UTC) + timedelta(hours=5)


def test_a_gate_on_standby_accepts_nobody_and_leaves_the_ledger_alone(tmp_path: Path) -> None:
    """Another process serves, perhaps of an older release, which could not use a ledger that was migrated."""
    text = '[[listen]]\naddress = "127.0.0.1:0"\n[state]\ndirectory = "."\n'

    async def main() -> None:
        log, opened = ServiceLog(), open_logs(Log(log_file(os.devnull)))
        components = Components(read_parts(settings_of(tmp_path, text)), opened, log, standby=True)
        listener = components.gate.listeners[0]
        with socket.create_connection((listener.host, listener.port)):
            await turns()
            assert not components.gate.connections
            assert not components.ledger.is_kept
            components.take_turn()
            await until(lambda: components.gate.connections and components.ledger.is_ready)
        components.close()
        log.stop()
        opened.close()

    run(main())
    assert (tmp_path / FILE_NAME).exists()
