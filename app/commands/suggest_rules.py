"""`licensegate suggest-rules`: prints presets and rules for the refused targets of an access log.

A preset is preferred to a rule. IP addresses are never suggested: Cisco's certificates contain names only. Writes no
file: the output is a diff to read, and to apply with `patch`.
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
from licensegate.app.settings.file import read_file, read_text
from licensegate.app.settings.load import settings_file
from licensegate.app.settings.schema import AllowlistTable, File, RuleTable
from licensegate.app.terminal import complain, say
from licensegate.records.log_reader import LogReader
from licensegate.records.record import SCHEMA

from .layout import counted
from .refused_targets import RefusedTarget, refused_targets
from .settings_file import load_or_exit

NOTES: Final = """\
  Finds the targets in the access log that were refused, or passed only in report-only mode, and that the settings still
  do not allow. Prints a diff of the settings file that adds presets and rules for them:

    licensegate suggest-rules --config gate.toml access.jsonl | patch gate.toml

  A comment above each says how often, when, and by how many clients it was asked for. Read the diff before you apply
  it: it allows everything that clients asked for. Lines that are not records are skipped, with a warning.

exit status:
  0  printed, even if there is nothing to add
  2  the command line, the settings or the log cannot be used; the error names the place
"""

_NEW_FILE: Final = "licensegate.toml"
_PRESETS: Final = variable_of("allowlist.presets")
_RULES: Final = variable_of("allowlist.rule")


def suggest(settings: Settings, file: Path | None, environ: Mapping[str, str], refused: Iterable[RefusedTarget]) -> str:
    """Return a diff of `file`, the source of the settings, that allows the refused targets.

    Suggestions that do not fit into a diff come before it, as comments. Raises SettingsError if the file is gone.
    """
    lacking = [each for each in refused if not settings.policy.decide(each.target).allowed]
    lacking.sort(key=lambda each: (each.target.host, each.target.port))
    notes = [
        f"{each}: addresses are not suggested; have the product use the host's name"
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
        return _as_comment(notes or ["nothing to add: every target in the log is allowed"])
    text = "" if file is None else read_text(file)
    try:
        return _as_comment(notes) + _diff(file, text, edited(text, addition))
    except SettingsEditError:
        notes.append(f"{file} has a layout that cannot be edited; add these lines to its allowlist")
        return _as_comment(notes) + written(addition, in_file.allowlist.presets)


class _Offer(Struct, frozen=True):
    """A preset, the refused targets that it allows, the other targets that it allows, and its size."""

    preset: str
    wanted: tuple[Target, ...]
    others: tuple[Target, ...]
    size: int


def _addition(policy: Policy, allowlist: AllowlistTable, names: Mapping[Target, RefusedTarget]) -> Addition:
    """Allow targets by the rules that only report them, else by presets, else by new rules."""
    own = zip((rule for rule in policy.rules if not rule.preset), allowlist.rule, strict=True)
    reporting = {rule.target: table for rule, table in own if rule.report and not rule.domain}
    allowing = {target: reporting[target] for target in names if target in reporting}
    offers = list(_offers(policy, names.keys() - allowing.keys(), names.keys()))
    offered = {target for offer in offers for target in offer.wanted}
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


def _offers(policy: Policy, uncovered: Set[Target], refused: Set[Target]) -> Iterator[_Offer]:
    """Choose presets until none covers a target that is left, first those that allow the fewest others."""
    left = set(uncovered)
    granted: set[Target] = set()
    while True:
        offers = []
        for preset in load_presets().values():
            targets = [entry.target for entry in preset.entries]
            new = [target for target in targets if target not in granted and not policy.decide(target).allowed]
            wanted = tuple(target for target in new if target in left)
            others = tuple(target for target in new if target not in refused)
            if wanted:
                offers.append(_Offer(preset.name, wanted, others, len(targets)))
        if not offers:
            return
        best = min(offers, key=lambda offer: (len(offer.others), -len(offer.wanted), offer.size, offer.preset))
        left -= set(best.wanted)
        granted.update(best.wanted, best.others)
        yield best


def _rule(policy: Policy, target: Target) -> RuleTable:
    """A rule for this target alone, with the terms of the rule that only reported it, if any."""
    like = policy.decide(target).rule or Rule(target.host)
    terms = {field: getattr(like, field) for field in RuleTable.__struct_fields__}
    return RuleTable(**terms | {"host": target.host, "port": target.port, "report": False})


def _reasons(offer: _Offer, names: Mapping[Target, RefusedTarget]) -> Iterator[str]:
    for target in offer.wanted:
        yield f"{offer.preset} allows {names[target]}"
    if offer.others:
        yield f"{offer.preset} also allows {', '.join(map(str, offer.others))}"


def _reason(refused: RefusedTarget) -> tuple[str, ...]:
    hint = "its addresses are not public: if the server is your own, add private = true"
    return (str(refused), hint) if refused.is_private else (str(refused),)


def _for_variables(addition: Addition, allowlist: AllowlistTable, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the variables to set where the environment overrides the file."""
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


def _diff(file: Path | None, before: str, after: str) -> str:
    names = ("/dev/null", _NEW_FILE) if file is None else (_name(file), _name(file))
    lines = difflib.unified_diff(_lines(before), _lines(after), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _name(file: Path) -> str:
    """The name as `patch` reads it, quoted if it is not plain."""
    name = str(file)
    return name if name.isprintable() and '"' not in name else json.dumps(name)


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as `patch` does; `str.splitlines` splits at other characters too."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _as_comment(lines: Iterable[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file to change")
    parser.add_argument("log", metavar="LOG", help="the access log; - for standard input")


def run(arguments: argparse.Namespace) -> int:
    """Print the suggestions."""
    settings = load_or_exit(arguments.config)
    try:
        with sys.stdin.buffer if arguments.log == "-" else Path(arguments.log).open("rb") as log:
            reader = LogReader(log)
            refused = refused_targets(reader)
    except OSError as error:
        return complain(f"{arguments.log}: {error.strerror}; name an access log that can be read")
    older = ", ".join(f"{counted(count, 'line')} of schema {schema}" for schema, count in sorted(reader.older.items()))
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
