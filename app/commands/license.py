"""`licensegate license`: says what the output of a product's `show license …` means.

Reads files or standard input, asks nobody, writes nothing.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, to_builtins

from licensegate.app.settings import Settings
from licensegate.app.settings.load import settings_file
from licensegate.app.terminal import complain, readers_language, say, say_json
from licensegate.certs.host_names import own_addresses
from licensegate.files.read import read_whole
from licensegate.language.language import ENGLISH, Language
from licensegate.licensing.limits import all_families, family_named
from licensegate.licensing.meaning import Explained, explain
from licensegate.licensing.read import read_all
from licensegate.licensing.report import Reading
from licensegate.licensing.text.decode import LARGEST, UnreadableTextError

from .license_metrics import metrics
from .license_proxy import compared
from .license_table import table
from .settings_file import load_or_exit

NOTES: Final = """\
  Reads `show license all`, `summary`, `status`, `udi`, `usage` and `tech support` of CUCM and its relatives (classic
  model), IOS XE and NX-OS (policy model), the JSON of FMC, Catalyst Center and CML, and the XML of CUCM's AXL. Prompts,
  pager lines, quotes of mails, colours, wrapped and indented lines do no harm:

    ssh administrator@cucm 'show license all' | licensegate license
    licensegate license --json output.txt

  Days are counted from --now, else from the time in the text, if its clock was synchronised, else from this moment.
  Dates are read in the zone that they are printed with. Where an abbreviation stands for several zones, the earliest is
  taken and said; --timezone decides. docs/licensing.md has all states and time limits.

  With the settings of a gate, by --config or the packaged service's, the proxy that the product is set to use is
  compared with the gate's addresses and ports.

exit status:
  0  printed
  2  the command line or a file cannot be used; the error names it
"""

_STANDARD_INPUT: Final = "-"
PrintedForm: TypeAlias = Literal["table", "json", "prometheus"]


class NamedOutput(Struct, frozen=True):
    """One output, what it says, and what that means."""

    name: str
    reading: Reading
    explained: Explained

    def as_json(self) -> dict[str, Any]:
        """The report, with `meaning`, `deadlines` and `unread`."""
        return {
            **to_builtins(self.reading.report),
            "meaning": to_builtins(self.explained.meaning),
            "deadlines": to_builtins(self.explained.deadlines),
            "unread": self.reading.unread,
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings of the gate to compare the proxy with")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: an object, or a list of one per output")
    form.add_argument("--prometheus", action="store_true", help="print metrics for node_exporter's textfile collector")
    parser.add_argument("--now", metavar="TIME", help="count the days from this time, such as 2026-11-30T12:00Z")
    parser.add_argument("--timezone", metavar="ZONE", help="the product's time zone, such as Asia/Tokyo")
    families = ", ".join(each.name for each in all_families())
    parser.add_argument("--family", default="", help=f"the product's family, if its UDI does not tell: {families}")
    parser.add_argument("file", nargs="*", default=[_STANDARD_INPUT], metavar="FILE", help="- for standard input")


def run(arguments: argparse.Namespace) -> int:
    """Print what the files mean."""
    try:
        now, zone = _now(arguments.now), _zone(arguments.timezone)
        family = _family(arguments.family)
    except ValueError as error:
        return complain(str(error))
    settings = _gate(arguments.config)
    outputs = []
    for name in arguments.file:
        try:
            readings = read_all(_content(name))
        except OSError as error:
            return complain(f"{name}: {error.strerror}; name a file that can be read")
        except UnreadableTextError as error:
            return complain(f"{name}: {error}")
        for label, reading in zip(_labels(name, readings), readings, strict=True):
            if settings is not None and (proxy := reading.report.proxy) is not None:
                listeners = [(each.host, each.port) for each in settings.listen]
                reading.notes.append(compared(proxy, settings.announce, own_addresses(), listeners))
            outputs.append(NamedOutput(label, reading, explain(reading, now, zone, family)))
    language = readers_language(encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # names from the text, and Japanese
    form: PrintedForm = "json" if arguments.json else "prometheus" if arguments.prometheus else "table"
    printed_by = say_json if form == "json" else say
    return printed_by(printed(outputs, form, language), end="")


def printed(outputs: Sequence[NamedOutput], form: PrintedForm, language: Language = ENGLISH) -> str:
    """The outputs as they are printed: a table in a language, JSON with both."""
    if form == "json":
        values = [each.as_json() for each in outputs]
        encoded = msgspec.json.encode(values[0] if len(values) == 1 else values)
        return msgspec.json.format(encoded, indent=2).decode() + "\n"
    if form == "prometheus":
        return metrics([(each.name, each.reading.report, each.explained) for each in outputs])
    return "\n".join(table(each.name, each.reading, each.explained, language) for each in outputs)


def _labels(name: str, readings: Sequence[Reading]) -> list[str]:
    """A name for each output of a file: the file's, with the device or a number if there are several."""
    if len(readings) == 1:
        return [name]
    devices = [reading.device for reading in readings]
    if len(set(devices)) == len(devices) and all(devices):
        return [f"{name}:{device}" for device in devices]
    return [f"{name}:{number}" for number in range(1, len(readings) + 1)]


def _gate(config: Path | None) -> Settings | None:
    """The settings of this host's gate; None without one. Raises SystemExit if they are invalid."""
    has_gate = config is not None or settings_file(os.environ) is not None
    return load_or_exit(config) if has_gate else None


def _content(name: str) -> bytes:
    if name == _STANDARD_INPUT:
        return sys.stdin.buffer.read(LARGEST + 1)
    return read_whole(Path(name), LARGEST)


def _now(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        now = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--now {text}: write a time such as 2026-11-30T12:00Z") from None
    return now if now.tzinfo is not None else now.replace(tzinfo=UTC)


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not found, a directory, not a name at all
        raise ValueError(
            f"--timezone {name}: this host knows no such zone; write one such as Asia/Tokyo or America/New_York"
        ) from None


def _family(name: str) -> str:
    if not name:
        return ""
    found = family_named(name)
    if found is None:
        names = ", ".join(each.name for each in all_families())
        raise ValueError(f"--family {name}: not known; one of {names}")
    return found.name
