"""Presets: the hosts that a product needs to reach, from data files beside the code.

Each `presets/NAME.toml` has a `title` and `[[entry]]` tables with every key of `PresetEntry`. A preset has exact
hosts, never wildcards or addresses, each with a reason and a source.
"""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from .rule import Rule
from .target import Target, is_address, parse_host

_Text = Annotated[str, Meta(min_length=1)]
_FOLDER = Path(__file__).with_name("presets")


class PresetError(ValueError):
    """A preset file is invalid. The message names the file and what is wrong."""


class PresetEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One host and port of a preset.

    `why` says why it is needed and `source` where that is documented. `verified` is true if a document of Cisco's,
    current when read, names the host for this purpose; false if the host is inferred, dated, or known only from
    third-party programs.
    """

    host: _Text
    port: Annotated[int, Meta(ge=1, le=65535)]
    why: _Text
    source: _Text
    verified: bool

    @property
    def target(self) -> Target:
        """The host and port."""
        return Target(self.host, self.port)


class Preset(Struct, frozen=True):
    """The hosts that one product or service needs; `title` is one line for people."""

    name: str
    title: str
    entries: tuple[PresetEntry, ...]

    def entry_for(self, rule: Rule) -> PresetEntry:
        """The entry that a rule of this preset came from."""
        return next(entry for entry in self.entries if entry.target == rule.target)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    title: _Text
    entry: Annotated[tuple[PresetEntry, ...], Meta(min_length=1)]


def load_presets(folder: Path = _FOLDER) -> dict[str, Preset]:
    """Read all presets, by name and sorted by name. Raises PresetError."""
    return {file.stem: _read(file) for file in sorted(folder.glob("*.toml"))}


def _read(file: Path) -> Preset:
    try:
        content = msgspec.toml.decode(file.read_bytes(), type=_File)
        _check_hosts(content.entry)
    except (msgspec.MsgspecError, ValueError) as error:
        raise PresetError(f"{file.name}: {error}") from error
    return Preset(file.stem, content.title, content.entry)


def _check_hosts(entries: tuple[PresetEntry, ...]) -> None:
    seen = set()
    for entry in entries:
        if parse_host(entry.host) != entry.host or is_address(entry.host):
            raise ValueError(f"{entry.host!r} is not a host name in its normal form")
        if (entry.host, entry.port) in seen:
            raise ValueError(f"{entry.host}:{entry.port} is listed twice")
        seen.add((entry.host, entry.port))
