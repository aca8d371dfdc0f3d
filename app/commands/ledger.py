"""`licensegate ledger`: writes the ledger out as JSON lines, and merges such lines into it, while the gate serves."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from licensegate.app.settings import Settings
from licensegate.app.terminal import complain, say
from licensegate.ledger.engine import LedgerUnavailableError
from licensegate.ledger.entries import LedgerEntry
from licensegate.ledger.store import Store
from licensegate.ledger.transfer import TransferError, export_lines, imported_entries

from .settings_file import load_or_exit

NOTES: Final = """\
  An export is JSON lines, whatever the database: it backs a ledger up, and moves it from SQLite to PostgreSQL. An
  import keeps the later of two last contacts, the earlier of two first ones, and of a day's counts the greater:
  importing twice changes nothing. If any line cannot be read, nothing is imported. Both work while the gate serves:

    licensegate ledger export ledger.jsonl
    licensegate ledger import ledger.jsonl

exit status:
  0  done
  2  the settings, the file or the ledger cannot be used; the error names it
"""

_STANDARD_STREAM: Final = "-"
_WAIT_SECONDS: Final = 15.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, purpose in (("export", "write the ledger out"), ("import", "merge a file into the ledger")):
        action = actions.add_parser(name, help=purpose)
        action.add_argument(
            "--config", metavar="FILE", type=Path, default=argparse.SUPPRESS, help="the settings file of the gate"
        )
        action.add_argument(
            "file", nargs="?", default=_STANDARD_STREAM, metavar="FILE", help="- (default): standard output or input"
        )


def run(arguments: argparse.Namespace) -> int:
    """Export or import."""
    settings = load_or_exit(arguments.config)
    try:
        exports = arguments.action == "export"
        with open_store(settings, must_exist=exports, reads_only=exports) as store:
            if exports:
                return _export(store, arguments.file)
            return _import(store, arguments.file)
    except LedgerUnavailableError as error:
        return complain(f"the ledger in {settings.ledger.place} cannot be used: {error}")


@contextmanager
def open_store(settings: Settings, *, must_exist: bool = False, reads_only: bool = False) -> Iterator[Store]:
    """The store of the settings' ledger. Raises SystemExit without one, LedgerUnavailableError if it cannot be used."""
    place = settings.ledger.place
    if not place.is_kept:
        raise SystemExit(complain("the settings have no place for a ledger: set state.directory or ledger.url"))
    if must_exist and place.file is not None and not os.path.exists(place.file):
        raise SystemExit(complain(f"there is no ledger {place.file} yet; a gate makes it when it starts"))
    store = Store(place, wait_seconds=_WAIT_SECONDS, reads_only=reads_only)
    try:
        store.open()
        yield store
    finally:
        store.close()


def _export(store: Store, name: str) -> int:
    lines = export_lines(store.entries())
    try:
        if name == _STANDARD_STREAM:
            return _to_standard_output(lines)
        with tempfile.NamedTemporaryFile(dir=Path(name).parent, prefix=f".{Path(name).name}-", delete=False) as file:
            try:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, name)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        return complain(f"{name}: {error.strerror}; name a file that can be written")
    return 0


def _to_standard_output(lines: Iterable[bytes]) -> int:
    for line in lines:
        say(line.decode(), end="")
    return 0


def _import(store: Store, name: str) -> int:
    try:
        if name == _STANDARD_STREAM:
            count = _merge(store, sys.stdin.buffer)
        else:
            with open(name, "rb") as file:
                count = _merge(store, file)
    except OSError as error:
        return complain(f"{name}: {error.strerror}; name a file that can be read")
    except TransferError as error:
        return complain(f"{name}: {error}; nothing was imported")
    return say(f"{count} entries were merged into {store.place}")


def _merge(store: Store, stream: BinaryIO) -> int:
    count = 0

    def counted() -> Iterator[LedgerEntry]:
        nonlocal count
        for entry in imported_entries(stream):
            count += 1
            yield entry

    store.merge(counted())
    return count
