"""Loads the settings for a command, or ends it with the error."""

import os
from pathlib import Path

from licensegate.app.settings import Settings, SettingsError, load
from licensegate.app.terminal import complain


def load_or_exit(file: Path | None) -> Settings:
    """Load the settings file, by default the one that the environment names. Raises SystemExit."""
    try:
        return load(file, os.environ)
    except SettingsError as error:
        raise SystemExit(complain(str(error))) from None
