"""Loads the settings from the file and the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from . import packaged
from .build import build
from .environment import CONFIG, override, text_of, variable_of
from .file import check_tables, read_tables
from .schema import File
from .settings import Settings
from .source import SettingsSource


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Load the settings from the file at `path`, by default that of `settings_file`. Raises SettingsError."""
    path = path or settings_file(environ)
    tables = {} if path is None else read_tables(path)
    file, variables = override(File() if path is None else check_tables(path, tables), environ)
    source = SettingsSource("" if path is None else str(path), variables)
    folder = Path() if path is None else path.parent
    settings = build(file, source, folder, packaged.state_directory(path, environ), environ)
    return structs.replace(settings, file_is_empty=not any(tables.values()))


def find_state_directory(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The state directory of a gate whose settings may be invalid now. Raises SettingsError for invalid TOML."""
    path = path or settings_file(environ)
    variable = variable_of("state.directory")
    if environ.get(variable):
        return Path(os.path.abspath(text_of(variable, environ)))
    match {} if path is None else read_tables(path).get("state"):
        case {"directory": str(text)} if text and path is not None:
            return Path(os.path.abspath(path.parent / text))
        case _:
            return packaged.state_directory(path, environ)


def settings_file(environ: Mapping[str, str]) -> Path | None:
    """The file that LICENSEGATE_CONFIG names, else that of the packaged service if it exists on this host.

    None, for the built-in defaults, without either or if the variable is empty. Raises SettingsError.
    """
    if CONFIG in environ:
        return Path(text_of(CONFIG, environ)) if environ[CONFIG] else None
    return packaged.SETTINGS if os.path.exists(packaged.SETTINGS) else None
