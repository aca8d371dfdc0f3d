"""Reads texts of the settings: paths, files, networks, and what a given function reads.

All raise SettingsError, which names the place of the text.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from licensegate.allowlist.client_networks import Network

from .address import read_network
from .file_checks import holds_private_key, missing
from .messages import shown
from .settings import SettingsError
from .source import SettingsSource

_T = TypeVar("_T")


def read_key_pair(
    certificate: str, key: str, prefix: str, source: SettingsSource, folder: Path
) -> tuple[Path | None, Path | None]:
    """The files of a certificate and of its key, perhaps the same; both None without one."""
    chain = read_pem(certificate, f"{prefix}certificate", source, folder)
    own = read_pem(key, f"{prefix}key", source, folder)
    if own and not chain:
        place = source.place(f"{prefix}key")
        raise SettingsError(f"{place}: a key without a certificate; set {prefix}certificate too")
    if chain and not own and not holds_private_key(chain):
        place = source.place(f"{prefix}certificate")
        raise SettingsError(f"{place}: {chain} has no private key in it; name the file that has it in {prefix}key")
    return chain, own or chain


def read_pem(text: str, key: str, source: SettingsSource, folder: Path) -> Path | None:
    """The path of a PEM file that exists; None for an empty text."""
    return read_existing(text, key, "name an existing PEM file", source, folder)


def read_existing(text: str, key: str, remedy: str, source: SettingsSource, folder: Path) -> Path | None:
    """The path of a file that exists; None for an empty text. `remedy` says how to get one."""
    if not text:
        return None
    path = read_path(text, key, source, folder)
    if fault := missing(path):
        raise SettingsError(f"{source.place(key)}: {path}: {fault}; {remedy}")
    return path


def read_path(text: str, key: str, source: SettingsSource, folder: Path) -> Path:
    """An absolute path: relative to `folder` in the file, to the working directory in the environment."""
    if not text or "\0" in text:
        raise SettingsError(f"{source.place(key)}: {shown(text)} is not a path; write one, or leave {key} out")
    return Path(os.path.abspath(text if key in source.variables else folder / text))


def read_networks(texts: Sequence[str], source: SettingsSource, key: str, *within: str | int) -> tuple[Network, ...]:
    """The networks in a list of `key`, or of its part `within`."""
    return tuple(read_text(read_network, text, source.place(key, *within, item)) for item, text in enumerate(texts, 1))


def read_text(read: Callable[[str], _T], text: str, place: str) -> _T:
    """What `read` makes of the text at this place."""
    try:
        return read(text)
    except ValueError as error:
        raise SettingsError(f"{place}: {shown(text)} {error}") from None


def read_each(
    read: Callable[[str], _T], texts: Iterable[str], source: SettingsSource, key: str, inner: str = ""
) -> tuple[_T, ...]:
    """What `read` makes of each text in a list, or of the key `inner` of each of its tables."""
    return tuple(read_text(read, text, source.place(key, number, inner)) for number, text in enumerate(texts, 1))
