"""`licensegate contact`: writes down what was done by hand for a client, and lists it with what products said."""

import argparse
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from licensegate.app.settings import Settings
from licensegate.app.settings.messages import did_you_mean, shown
from licensegate.app.terminal import complain, say, say_json
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.engine import LedgerUnavailableError
from licensegate.ledger.entries import ManualEntry, ManualKind, ProductEntry
from licensegate.ledger.standing import ClientStanding, model_of, standing

from .ledger import open_store
from .settings_file import load_or_exit

NOTES: Final = """\
  For sites that are not connected, whose licence files somebody carries: CLIENT is the name of a [[client]] in the
  settings. The contact counts like one that the gate has seen; who wrote it down and when is kept with it. With --login
  it is a login by hand at an SSM On-Prem (product = "SSM"), from which its access token lasts 180 days.

  The list also has what products that the gate asks said about their licences: each date is printed by the product or
  estimated from its contacts.

    licensegate contact record "CUCM ship" --at 2026-11-28T09:30+09:00 --note "usage file uploaded"
    licensegate contact list

exit status:
  0  recorded or printed
  2  the command line, the settings or the ledger cannot be used; the error names it
"""

_LONGEST_NOTE: Final = 500
_WORDS: Final = {ManualKind.CONTACT: "contact by hand", ManualKind.LOGIN: "login by hand"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    record = actions.add_parser("record", help="write down a contact")
    record.add_argument("client", metavar="CLIENT", help="the client's name in the settings")
    record.add_argument("--at", metavar="TIME", help="when it was, such as 2026-11-30T12:00; by default now")
    record.add_argument("--note", metavar="TEXT", default="", help="kept with it")
    record.add_argument("--login", action="store_true", help="it was a login by hand at an SSM On-Prem")
    listing = actions.add_parser("list", help="list what was written down, and what products said")
    listing.add_argument("client", metavar="CLIENT", nargs="?", help="this client's only")
    listing.add_argument("--json", action="store_true", help="print JSON lines")
    for each in (record, listing):
        each.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")


def run(arguments: argparse.Namespace) -> int:
    """Record or list."""
    settings = load_or_exit(arguments.config)
    try:
        if arguments.action == "record":
            return _record(settings, arguments)
        return _list(settings, arguments)
    except ValueError as error:
        return complain(str(error))
    except LedgerUnavailableError as error:
        return complain(f"the ledger in {settings.ledger.place} cannot be used: {error}")


def _record(settings: Settings, arguments: argparse.Namespace) -> int:
    client = find_client(settings.named_clients, arguments.client)
    if arguments.login and model_of(client) != "on_prem":
        raise ValueError(f'{client.name} is not an SSM On-Prem: only a client with product = "SSM" has such logins')
    now = datetime.now(UTC)
    entry = ManualEntry(
        client=client.key,
        what=ManualKind.LOGIN if arguments.login else ManualKind.CONTACT,
        time=read_time(arguments.at, now),
        recorded=now,
        recorded_by=recorder(os.environ),
        note=read_note(arguments.note),
    )
    with open_store(settings) as store:
        store.merge([entry])
    return say(f"{_line(entry)}; kept in {settings.ledger.place}")


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    wanted = find_client(settings.named_clients, arguments.client).key if arguments.client else None
    with open_store(settings, must_exist=True) as store:
        entries = [entry for entry in store.manual_entries() if wanted in (None, entry.client)]
        histories = store.histories([client.key for client in settings.named_clients])
    asked = [
        (client, history, history.product)
        for client in settings.named_clients
        if (history := histories[client.key]).product is not None and wanted in (None, client.key)
    ]
    if arguments.json:
        answers = [answer for _, _, answer in asked]
        return say_json("".join(f"{msgspec.json.encode(entry).decode()}\n" for entry in (*entries, *answers)), end="")
    if not entries and not asked:
        print("nothing was recorded by hand, and no product has answered", file=sys.stderr)
    now = datetime.now(UTC)
    lines = [_line(entry) for entry in entries]
    lines += [_answer_line(answer, standing(client, history, now)) for client, history, answer in asked if answer]
    return say("".join(f"{line}\n" for line in lines), end="")


def find_client(clients: Sequence[NamedClient], name: str) -> NamedClient:
    """The client of this name, in any case. Raises ValueError."""
    for client in clients:
        if client.name.lower() == name.strip().lower():
            return client
    if not clients:
        raise ValueError("the settings name no client: add a [[client]] with this name")
    meant = did_you_mean(name, [each.name for each in clients])
    raise ValueError(f"{shown(name)} is no [[client]] in the settings; {meant}")


def read_time(text: str | None, now: datetime) -> datetime:
    """The time that was typed, in this machine's zone unless it has one; `now` for None. Raises ValueError."""
    if text is None:
        return now
    try:
        time = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"--at {text}: write a time such as 2026-11-30T12:00 or 2026-11-30T12:00+09:00") from None
    if time > now + timedelta(minutes=1):
        raise ValueError(f"--at {text}: that is in the future")
    return time


def read_note(text: str) -> str:
    """The note that was typed. Raises ValueError."""
    if len(text) > _LONGEST_NOTE or not text.isprintable():
        raise ValueError(f"--note: write at most {_LONGEST_NOTE} printable characters")
    return text


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


def _line(entry: ManualEntry) -> str:
    note = f": {entry.note}" if entry.note else ""
    recorded = f"recorded {_shown_time(entry.recorded)} by {entry.recorded_by}"
    return f"{entry.client.name}  {_WORDS[entry.what]} on {_shown_time(entry.time)}, {recorded}{note}"


def _answer_line(answer: ProductEntry, stands: ClientStanding) -> str:
    """What a product said and when, then each deadline: printed by it, or estimated."""
    states = [f"registration {answer.registration_status or 'unknown'}"]
    states.append(f"authorization {answer.authorization_status or 'unknown'}")
    if answer.last_contact is not None:
        states.append(f"last contact {_shown_time(answer.last_contact)}")
    if answer.contact_failed:
        states.append("an attempt since then failed")
    dates = [
        f"{name} {_shown_time(due.at)} ({'printed' if due.printed else 'estimated'})"
        for name, due in stands.deadlines.items()
    ]
    said = f"its product said on {_shown_time(answer.said)}: {', '.join(states)}"
    return f"{answer.client.name}  {said}; {stands.level.label}; {', '.join(dates) or 'no deadline'}"


def _shown_time(time: datetime) -> str:
    return time.astimezone().isoformat(" ", "minutes")
