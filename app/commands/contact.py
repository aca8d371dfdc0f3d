"""`licensegate contact`: writes down what no gate can see of a client, and lists it with what products said."""

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from licensegate.app.settings import Settings
from licensegate.app.settings.messages import did_you_mean, shown
from licensegate.app.terminal import complain, say, say_json
from licensegate.files.read import read_whole
from licensegate.ledger.by_hand import EntryRefusedError, manual_entry, text_entry
from licensegate.ledger.clients import key_of
from licensegate.ledger.engine import LedgerUnavailableError
from licensegate.ledger.entries import LONGEST_TEXT, LedgerEntry, ManualKind
from licensegate.ledger.keeping import keep_name, known_clients
from licensegate.ledger.naming import LedgerClient, ledger_client
from licensegate.ledger.reading import read_text_heads

from .contact_list import listed_lines, manual_line, name_line
from .ledger import open_store
from .settings_file import load_or_exit

NOTES: Final = """\
  CLIENT is a [[client]] of the settings, or the name, login, certificate or address of another client in the ledger.
  Who wrote something down and when is kept with it. `licensegate clients` lists all clients.

  record  A site that is not connected, whose licence files somebody carries: the contact counts like one that the gate
          has seen. With --login it is a login by hand at an SSM On-Prem (product = "SSM"), from which its access token
          lasts 180 days.
  name    A name, and the clocks of a product, for a client that the settings do not name; "" takes it away again.
  text    What the product printed: `show license all`, at most 1 MB, from FILE or standard input. Its states and dates
          replace estimates.
  list    What was written down, and what products said about their licences: each date is printed by the product or
          estimated from its contacts.

    licensegate contact record "CUCM ship" --at 2026-11-28T09:30+09:00 --note "usage file uploaded"
    licensegate contact name 10.20.30.40 "CUCM-PUB Osaka" --product CUCM
    ssh administrator@cucm 'show license all' | licensegate contact text "CUCM-PUB Osaka"
    licensegate contact list

exit status:
  0  kept or printed
  2  the command line, the settings or the ledger cannot be used; the error names it
"""

_STANDARD_INPUT: Final = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    record = actions.add_parser("record", help="write down a contact")
    record.add_argument("client", metavar="CLIENT", help="a client of the settings or the ledger")
    record.add_argument("--at", metavar="TIME", help="when it was, such as 2026-11-30T12:00; by default now")
    record.add_argument("--note", metavar="TEXT", default="", help="kept with it")
    record.add_argument("--login", action="store_true", help="it was a login by hand at an SSM On-Prem")
    naming = actions.add_parser("name", help="give a client of the ledger a name")
    naming.add_argument("client", metavar="CLIENT", help="its address, login, certificate or present name")
    naming.add_argument("name", metavar="NAME", help='its name; "" takes it away')
    naming.add_argument("--product", metavar="FAMILY", default="", help="the product whose clocks it has, such as CUCM")
    naming.add_argument("--on-prem", action="store_true", help="it is registered with an SSM On-Prem")
    naming.add_argument("--reserved", action="store_true", help="its licences are reserved: it need never call")
    text = actions.add_parser("text", help="keep what a product printed")
    text.add_argument("client", metavar="CLIENT", help="a client of the settings or the ledger")
    text.add_argument("file", metavar="FILE", nargs="?", default=_STANDARD_INPUT, help="- (default): standard input")
    text.add_argument("--at", metavar="TIME", help="when it was printed; by default what the text tells, else now")
    listing = actions.add_parser("list", help="list what was written down, and what products said")
    listing.add_argument("client", metavar="CLIENT", nargs="?", help="this client's only")
    listing.add_argument("--json", action="store_true", help="print JSON lines")
    for each in (record, naming, text, listing):
        each.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")


def run(arguments: argparse.Namespace) -> int:
    """Keep or list."""
    settings = load_or_exit(arguments.config)
    actions = {"record": _record, "name": _name, "text": _text, "list": _list}
    try:
        return actions[arguments.action](settings, arguments)
    except ValueError as error:
        return complain(str(error))
    except LedgerUnavailableError as error:
        return complain(f"the ledger in {settings.ledger.place} cannot be used: {error}")


def _record(settings: Settings, arguments: argparse.Namespace) -> int:
    client, now = _client(settings, arguments.client), datetime.now(UTC)
    entry = manual_entry(
        client,
        ManualKind.LOGIN if arguments.login else ManualKind.CONTACT,
        at=read_time(arguments.at),
        note=arguments.note,
        by=recorder(os.environ),
        now=now,
    )
    with open_store(settings) as store:
        store.merge([entry])
    return say(f"{manual_line(client, entry)}; kept in {settings.ledger.place}")


def _name(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_store(settings, must_exist=True) as store:
        client = find_client(known_clients(store, settings.named_clients), arguments.client)
        entry = keep_name(
            store,
            settings.named_clients,
            client.key,
            arguments.name,
            product=arguments.product,
            on_prem=arguments.on_prem,
            reserved=arguments.reserved,
            by=recorder(os.environ),
            now=datetime.now(UTC),
        )
    line = name_line(entry) if entry.name else f"{client.key.name} has no name any more"
    return say(f"{line}; kept in {settings.ledger.place}")


def _text(settings: Settings, arguments: argparse.Namespace) -> int:
    client = _client(settings, arguments.client)
    try:
        kept = text_entry(
            client,
            _content(arguments.file),
            printed=read_time(arguments.at),
            by=recorder(os.environ),
            now=datetime.now(UTC),
        )
    except OSError as error:
        return complain(f"{arguments.file}: {error.strerror}; name a file that can be read")
    except EntryRefusedError as error:
        return complain(f"{arguments.file}: {error}")
    with open_store(settings) as store:
        store.merge(kept.entries)
    counts = "it names neither a state nor a date" if kept.word is None else "its states and dates count from now on"
    return say(f"{client.name}  the text is kept in {settings.ledger.place}; {counts}")


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    with open_store(settings, must_exist=True, reads_only=True) as store:
        clients = known_clients(store, settings.named_clients)
        if arguments.client:
            clients = [find_client(clients, arguments.client)]
        histories = store.histories([client.key for client in clients])
        texts = store.read(read_text_heads)
    if arguments.json:
        manual = sorted((each for history in histories.values() for each in history.manual), key=lambda each: each.time)
        names = [client.given for client in clients if client.given is not None]
        answers = [history.product for history in histories.values() if history.product is not None]
        entries: list[LedgerEntry] = [*manual, *names, *answers]
        return say_json("".join(f"{msgspec.json.encode(entry).decode()}\n" for entry in entries), end="")
    lines = list(listed_lines(clients, histories, texts, datetime.now(UTC)))
    if not lines:
        print("nothing was written down by hand, and no product has answered", file=sys.stderr)
    return say("".join(f"{line}\n" for line in lines), end="")


def _client(settings: Settings, name: str) -> LedgerClient:
    """The client of this name, in the settings or else in the ledger, which need not be there. Raises ValueError."""
    named = {client.name: client for client in settings.named_clients}
    clients = [ledger_client(client.key, named, None) for client in settings.named_clients]
    place = settings.ledger.place
    is_there = place.url is not None or (place.file is not None and place.file.exists())
    if is_there and not any(client.name.casefold() == name.strip().casefold() for client in clients):
        with open_store(settings, must_exist=True, reads_only=True) as store:
            clients = known_clients(store, settings.named_clients)
    return find_client(clients, name)


def find_client(clients: Sequence[LedgerClient], name: str) -> LedgerClient:
    """The client of this name, in any case, or of this login, certificate or address. Raises ValueError."""
    wanted = name.strip().casefold()
    for client in clients:
        if client.name.casefold() == wanted:
            return client
    found = [client for client in clients if client.key.name.casefold() == wanted or client.key == key_of(name)]
    if found:
        return found[0]
    if not clients:
        raise ValueError("neither the settings nor the ledger have a client: add a [[client]] with this name")
    meant = did_you_mean(name, [each.name for each in clients])
    raise ValueError(f"{shown(name)} is no [[client]] in the settings and no client in the ledger; {meant}")


def read_time(text: str | None) -> datetime | None:
    """The time that was typed, in this machine's zone unless it has one. Raises ValueError."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"--at {text}: write a time such as 2026-11-30T12:00 or 2026-11-30T12:00+09:00") from None


def _content(file: str) -> bytes:
    if file == _STANDARD_INPUT:
        return sys.stdin.buffer.read(LONGEST_TEXT + 1)
    return read_whole(Path(file), LONGEST_TEXT + 1)


def recorder(environ: Mapping[str, str]) -> str:
    """Who types: the user's name and number, and who called sudo."""
    uid = os.getuid()
    try:
        name = getpass.getuser() if uid else "root"
    except (KeyError, OSError):  # a container's user may have no name
        name = "unknown"
    caller = environ.get("SUDO_USER", "")
    by = f", sudo by {caller}" if caller.isprintable() and caller else ""
    return f"{name} (uid {uid}{by})"
