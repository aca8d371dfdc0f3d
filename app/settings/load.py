"""Loads the settings from the file and the environment."""

from collections.abc import Mapping
from pathlib import Path

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
    return build(file, source, folder, _packaged_state(environ), environ)


def settings_file(environ: Mapping[str, str]) -> Path | None:
    """The file that LICENSEGATE_CONFIG names; None, for the defaults, if it is unset or empty. Raises SettingsError."""
    return Path(text_of(CONFIG, environ)) if environ.get(CONFIG) else None


def _packaged_state(environ: Mapping[str, str]) -> Path | None:
    """The first directory of systemd's `StateDirectory=`, which may name several (systemd.exec(5))."""
    first = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(first) if first else None
