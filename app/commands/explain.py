"""`licensegate explain`: says what failed, why, and what to change: from an access log or the running gate."""

import argparse
import ipaddress
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from licensegate.app.admin.access import read_token
from licensegate.app.admin.paths import API_REFUSALS
from licensegate.app.settings import SettingsError
from licensegate.app.terminal import complain, readers_language, say, say_json
from licensegate.language.language import ENGLISH, Language
from licensegate.records.json_errors import JSON_ERRORS
from licensegate.records.log_reader import LogEntry, LogReader, read_record
from licensegate.records.record import SCHEMA

from .admin_page import AdminUrlError, NoPageError, get_page
from .failures import Failure, Failures, Network, in_text, judged
from .health import HealthError, url_of
from .settings_file import load_or_exit

NOTES: Final = """\
  Without LOG it asks the running gate for its last failures, at the admin.listen of the settings or at --url, and with
  the token of admin.token_file if there is one. With LOG it reads an access log; - is standard input.

    licensegate explain
    licensegate explain --client 10.20.30.40 --since 1h /var/log/licensegate/access.log
    journalctl -u licensegate -o cat | licensegate explain -

  Connections of one client to one target that failed for the same reason are one failure; the newest comes first, with
  how sure the gate is (certain, likely, possible), what it has seen, what to change, and what CUCM shows for it.
  docs/diagnosis.md lists all findings. Lines that are not records of the gate are skipped, with a warning.

exit status:
  0  nothing failed
  1  something failed; it is printed
  2  the command line, the settings or the log cannot be used, or no gate answers
"""

_MOST_BYTES: Final = 1 << 26
_SINCE: Final = re.compile(r"([1-9][0-9]{0,4})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ExplainError(ValueError):
    """The failures cannot be read. `str()` says what to do instead."""


class _Entry(Struct):
    record: msgspec.Raw


class _Page(Struct):
    refusals: list[_Entry]


class Explanation(Struct, frozen=True):
    """What `--json` prints."""

    connections: int
    answered: int
    failures: list[Failure]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--config", metavar="FILE", type=Path, help="the settings file of the gate")
    whom.add_argument("--url", metavar="URL", help="the admin server to ask, for example http://127.0.0.1:9130")
    parser.add_argument("--client", metavar="ADDRESS", type=_client, help="only this client, or those of a network")
    parser.add_argument("--since", metavar="TIME", type=_since, help="only the last 90s, 30m, 1h or 2d")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("log", metavar="LOG", nargs="?", help="the access log; - for standard input")


def run(arguments: argparse.Namespace) -> int:
    """Print the failures."""
    since = None if arguments.since is None else datetime.now(UTC) - arguments.since
    language = ENGLISH if arguments.json else readers_language()
    try:
        if arguments.log is None:
            entries: Iterable[LogEntry] = ask_gate(arguments.url, arguments.config)
            failures = judged(entries, arguments.client, since, language)
        else:
            failures = _read(arguments.log, arguments.client, since, language)
    except ExplainError as error:
        return complain(str(error))
    found = failures.newest_first
    if arguments.json:
        said = Explanation(failures.connections, failures.answered, found)
        say_json(msgspec.json.encode(said).decode())
    else:
        say(in_text(failures))
    return 1 if found else 0


def ask_gate(url: str | None, config: Path | None) -> list[LogEntry]:
    """The last failures of a running gate, the oldest first. Raises ExplainError, or SystemExit for bad settings."""
    token = ""
    try:
        if url is None:
            admin = load_or_exit(config).admin
            url = url_of(admin)
            token = read_token(admin.token_file) if admin.token_file else ""
    except (HealthError, SettingsError) as error:
        raise ExplainError(f"{error}; or name an access log") from None
    page = _get(url.removesuffix("/"), token)
    try:
        entries = msgspec.json.decode(page, type=_Page).refusals
        return [read_record(bytes(entry.record)) for entry in reversed(entries)]
    except JSON_ERRORS:
        raise ExplainError(f"{url}{API_REFUSALS} is not the page of a gate of this release") from None


def _get(url: str, token: str) -> bytes:
    try:
        status, body = get_page(url, API_REFUSALS, _MOST_BYTES, token)
    except AdminUrlError as error:
        raise ExplainError(str(error)) from None
    except NoPageError as error:
        raise ExplainError(f"no gate answers at {url}: {error}; is it running? Or name an access log") from None
    if status != 200:
        raise ExplainError(f"{url}{API_REFUSALS}: {status} {body[:300].decode(errors='replace').strip()}")
    return body


def _read(log: str, client: Network | None, since: datetime | None, language: Language) -> Failures:
    try:
        with sys.stdin.buffer if log == "-" else Path(log).open("rb") as lines:
            reader = LogReader(lines)
            failures = Failures(client, since, language)
            for number, entry in reader:
                try:
                    failures.add(entry)
                except (ValueError, OverflowError):  # an address or a time that no gate writes
                    reader.reject(number)
    except OSError as error:
        raise ExplainError(f"{log}: {error.strerror}; name an access log that can be read") from None
    older = ", ".join(f"{count} of schema {schema}" for schema, count in sorted(reader.older.items()))
    if not reader.records and (older or reader.unread):
        raise ExplainError(f"{log}: no line is a record of a gate of this release; name the file of log.access")
    if older:
        complain(f"warning: skipped lines from before schema {SCHEMA}: {older}")
    if reader.unread:
        complain(f"warning: skipped lines that are not records of the gate: {reader.unread_lines}")
    return failures


def _client(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address or a network, like 10.20.30.40") from None


def _since(text: str) -> timedelta:
    parts = _SINCE.fullmatch(text)
    if parts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write a number with s, m, h or d, like 1h")
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})
