"""Reads the allowlist of the settings: presets and rules."""

import os
from pathlib import Path

from msgspec import structs

from licensegate.allowlist.policy import DuplicateRule, Policy, UnknownPreset
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.proxy.auth.user_files import user_fault

from .address import read_rule_host
from .file_checks import missing
from .messages import shown
from .schema import AllowlistTable, RuleTable
from .settings import SettingsError
from .source import SettingsSource
from .text_readers import read_each, read_networks


def read_policy(table: AllowlistTable, source: SettingsSource, folder: Path) -> Policy:
    """Read the allowlist. Raises SettingsError."""
    hosts = read_each(read_rule_host, [rule.host for rule in table.rule], source, "allowlist.rule", "host")
    rules = [
        _rule(rule, host, number, source, folder)
        for number, (rule, host) in enumerate(zip(table.rule, hosts, strict=True), 1)
    ]
    try:
        return Policy(table.presets, rules, load_presets(), table.mode)
    except UnknownPreset as error:
        raise SettingsError(f"{source.place('allowlist.presets')}: {error}") from None
    except DuplicateRule as error:
        raise SettingsError(f"{source.place('allowlist.rule')}: {error}") from None


def _rule(table: RuleTable, host: str, number: int, source: SettingsSource, folder: Path) -> Rule:
    for key in ("users", "certificates"):
        for item, name in enumerate(getattr(table, key), 1):
            if fault := user_fault(name):
                place = source.place("allowlist.rule", number, key, item)
                raise SettingsError(f"{place}: {shown(name)} is not a valid name: {fault}")
    networks = read_networks(table.networks, source, "allowlist.rule", number, "networks")
    ca = _rule_ca(table.ca, number, source, folder)
    return Rule(**structs.asdict(table) | {"host": host, "networks": networks, "ca": ca})


def _rule_ca(text: str, number: int, source: SettingsSource, folder: Path) -> str:
    if not text:
        return ""
    path, place = folder / text, source.place("allowlist.rule", number, "ca")
    if "\0" in text:
        raise SettingsError(f"{place}: {shown(text)} is not a path; write one, or leave ca out")
    if fault := missing(path):
        raise SettingsError(f"{place}: {path}: {fault}; name an existing PEM file")
    return os.path.abspath(path)
