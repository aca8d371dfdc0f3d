"""`licensegate suggest-rules`: what the allowlist lacks, by what an access log has seen, as a change to the settings.

A preset goes before a rule where it names the target. An IP address is never suggested: Cisco's certificates carry
names only. Nothing is written: what is printed is for a person to read and for `patch` to apply.
"""

import argparse
import difflib
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.settings import Settings
from licensegate.app.settings.edit import Addition, SettingsEditError, edited, written
from licensegate.app.settings.environment import override, variable_of
from licensegate.app.settings.file import read_file
from licensegate.app.settings.load import settings_file
from licensegate.app.settings.schema import AllowlistTable, File, RuleTable
from licensegate.app.terminal import complain, say
from licensegate.records.log_reader import LogReader
from licensegate.records.record import SCHEMA

from .refused_targets import ConnectLine, RefusedTarget, refused_targets
from .settings_file import load_or_exit

NOTES: Final = """\
  Reads the access log, finds the targets that were refused, or passed only because they are reported, and are not
  allowed by now, and prints the presets and rules that would allow them, as a difference to the settings file:

    licensegate suggest-rules --config gate.toml access.jsonl | patch gate.toml

  Above each stands how often it was asked for, by how many clients, first and last when. Read it before you apply it:
  whatever clients ask for is in there. Lines that are no records are passed over and named on standard error.

exit status:
  0  told, also where there is nothing to add
  2  the command line, the settings or the log cannot be used; the error names the place
"""

_NEW_FILE: Final = "licensegate.toml"
_PRESETS: Final = variable_of("allowlist.presets")
_RULES: Final = variable_of("allowlist.rule")


def suggest(settings: Settings, file: Path | None, environ: Mapping[str, str], seen: Iterable[RefusedTarget]) -> str:
    """What would allow what was seen, as a difference to `file`, which the settings come from.

    Before it stands, as comments, what cannot be part of it. Raises SettingsError if the file has gone meanwhile.
    """
    lacking = [each for each in seen if not settings.policy.decide(each.target).allowed]
    lacking.sort(key=lambda each: (each.target.host, each.target.port))
    notes = [
        f"{each}: an address is not suggested, let the product name the host"
        for each in lacking
        if each.target.is_address
    ]
    names = {each.target: each for each in lacking if not each.target.is_address}
    in_file = File() if file is None else read_file(file)
    in_force, _ = override(in_file, environ)
    addition = _addition(settings.policy, in_force.allowlist, names)
    notes += _for_variables(addition, in_force.allowlist, environ)
    addition = _without_variables(addition, environ)
    if addition == Addition():
        return _as_comment(notes or ["nothing to add: whatever was seen is allowed"])
    text = "" if file is None else file.read_bytes().decode()
    try:
        return _as_comment(notes) + _difference(file, text, edited(text, addition))
    except SettingsEditError:
        notes.append(f"{file} is laid out in a way of its own; put this into its allowlist")
        return _as_comment(notes) + written(addition, in_file.allowlist.presets)


class _Offer(Struct, frozen=True):
    """A preset, the targets wanted that it names, those that it allows besides, and how many it names in all."""

    preset: str
    answers: tuple[Target, ...]
    besides: tuple[Target, ...]
    size: int


def _addition(policy: Policy, allowlist: AllowlistTable, names: Mapping[Target, RefusedTarget]) -> Addition:
    """What allows these targets: rules that only reported them, then presets, then rules of their own."""
    own = zip((rule for rule in policy.rules if not rule.preset), allowlist.rule, strict=True)
    reporting = {Target(rule.host, rule.port): table for rule, table in own if rule.report and not rule.domain}
    allowing = {target: reporting[target] for target in names if target in reporting}
    offers = list(_offers(policy, names.keys() - allowing.keys(), names.keys()))
    offered = {target for offer in offers for target in offer.answers}
    return Addition(
        presets=tuple(offer.preset for offer in offers),
        presets_comment=tuple(line for offer in offers for line in _reasons(offer, names)),
        allowing=tuple((table, _reason(names[target])) for target, table in allowing.items()),
        rules=tuple(
            (_rule(policy, target), _reason(each))
            for target, each in names.items()
            if target not in offered and target not in allowing
        ),
    )


def _offers(policy: Policy, unanswered: Set[Target], seen: Set[Target]) -> Iterator[_Offer]:
    """Choose presets until none names what is left: first those that allow the least that was not seen."""
    left = set(unanswered)
    granted: set[Target] = set()
    while True:
        offers = []
        for preset in load_presets().values():
            targets = [Target(entry.host, entry.port) for entry in preset.entries]
            new = [target for target in targets if target not in granted and not policy.decide(target).allowed]
            answers = tuple(target for target in new if target in left)
            besides = tuple(target for target in new if target not in seen)
            if answers:
                offers.append(_Offer(preset.name, answers, besides, len(targets)))
        if not offers:
            return
        best = min(offers, key=lambda offer: (len(offer.besides), -len(offer.answers), offer.size, offer.preset))
        left -= set(best.answers)
        granted.update(best.answers, best.besides)
        yield best


def _rule(policy: Policy, target: Target) -> RuleTable:
    """A rule for this target alone, on the terms of the one that only reported it, if there is one."""
    like = policy.decide(target).rule or Rule(target.host)
    terms = {field: getattr(like, field) for field in RuleTable.__struct_fields__}
    return RuleTable(**terms | {"host": target.host, "port": target.port, "report": False})


def _reasons(offer: _Offer, names: Mapping[Target, RefusedTarget]) -> Iterator[str]:
    for target in offer.answers:
        yield f"{offer.preset} allows {names[target]}"
    if offer.besides:
        yield f"{offer.preset} also allows {', '.join(map(str, offer.besides))}"


def _reason(seen: RefusedTarget) -> tuple[str, ...]:
    hint = "its addresses are not public: if the server is your own, add private = true"
    return (str(seen), hint) if seen.is_private else (str(seen),)


def _for_variables(addition: Addition, allowlist: AllowlistTable, environ: Mapping[str, str]) -> Iterator[str]:
    """Say what the environment would have to hold, where it goes before the file."""
    if addition.presets and _PRESETS in environ:
        yield from addition.presets_comment
        yield f"{_PRESETS}={','.join((*allowlist.presets, *addition.presets))}"
    if addition.rules and _RULES in environ:
        for _, comment in addition.rules:
            yield from comment
        rules = (*allowlist.rule, *(rule for rule, _ in addition.rules))
        yield f"{_RULES}={','.join(f'{rule.host}:{rule.port}' for rule in rules)}"


def _without_variables(addition: Addition, environ: Mapping[str, str]) -> Addition:
    if _PRESETS in environ:
        addition = structs.replace(addition, presets=(), presets_comment=())
    return structs.replace(addition, rules=()) if _RULES in environ else addition


def _difference(file: Path | None, before: str, after: str) -> str:
    names = ("/dev/null", _NEW_FILE) if file is None else (_name(file), _name(file))
    lines = difflib.unified_diff(_lines(before), _lines(after), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _name(file: Path) -> str:
    """The name as `patch` reads it: quoted where it is not plain."""
    name = str(file)
    return name if name.isprintable() and '"' not in name else json.dumps(name)


def _lines(text: str) -> list[str]:
    """The lines as `patch` sees them, each with its end; Python knows ends that others do not."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _as_comment(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file, which the difference is to")
    parser.add_argument("log", metavar="LOG", help="the access log, - for standard input")


def run(arguments: argparse.Namespace) -> int:
    """Print what would allow the targets that were refused."""
    settings = load_or_exit(arguments.config)
    try:
        with sys.stdin.buffer if arguments.log == "-" else Path(arguments.log).open("rb") as log:
            reader = LogReader(log, ConnectLine)
            refused = refused_targets(reader)
    except OSError as error:
        return complain(f"{arguments.log}: {error.strerror}; name an access log that can be read")
    older = ", ".join(f"{_lines_of(count)} of schema {schema}" for schema, count in sorted(reader.older.items()))
    if not reader.records and older:
        return complain(f"{arguments.log}: only {older}, written before schema {SCHEMA}; name a log of this release")
    if not reader.records and reader.unread:
        return complain(f"{arguments.log}: no line is a record of the gate; name the file of log.access")
    if older:
        complain(f"warning: skipped {older}, written before schema {SCHEMA}; only lines of this release are read")
    if reader.unread:
        complain(f"warning: skipped lines that are not records of the gate: {reader.unread_lines}")
    file = arguments.config or settings_file(os.environ)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # text taken from the file is printed unchanged
    return say(suggest(settings, file, os.environ, refused.values()), end="")


def _lines_of(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
