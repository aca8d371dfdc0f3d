"""Loads the settings from the file and the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from . import packaged
from .build import build
from .environment import CONFIG, override, text_of
from .file import read_file
from .schema import File
from .settings import Settings
from .source import SettingsSource


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Load the settings from the file at `path`, by default that of `settings_file`. Raises SettingsError."""
    path = path or settings_file(environ)
    file, variables = override(File() if path is None else read_file(path), environ)
    source = SettingsSource("" if path is None else str(path), variables)
    folder = Path() if path is None else path.parent
    return build(file, source, folder, packaged.state_directory(path, environ), environ)


def settings_file(environ: Mapping[str, str]) -> Path | None:
    """The file that LICENSEGATE_CONFIG names, else that of the packaged service if it exists on this host.

    None, for the built-in defaults, without either or if the variable is empty. Raises SettingsError.
    """
    if CONFIG in environ:
        return Path(text_of(CONFIG, environ)) if environ[CONFIG] else None
    return packaged.SETTINGS if os.path.exists(packaged.SETTINGS) else None
