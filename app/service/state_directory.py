"""The state directory: made if missing, and tried before the gate counts on it."""

import logging
import os
import stat
from pathlib import Path

from licensegate.app.settings import SettingsError
from licensegate.certs.key_pair import KEPT_KEY

_log = logging.getLogger(__name__)


def usable_state_directory(directory: Path | None, *, named: bool) -> Path | None:
    """Return the directory, made for this user alone if it was missing; None if nothing can be kept.

    A directory that the settings name must be usable. The packaged one may not be, for example in a container with a
    user of the platform's choice or a read-only volume: then a warning is logged, and the gate runs without state.
    Raises SettingsError.
    """
    if directory is None:
        return None
    try:
        _make(directory)
        if not named:
            _try(directory)
    except SettingsError as error:
        if named:
            raise
        _log.warning("%s; the gate makes a certificate for this run only, and keeps nothing", error)
        return None
    return directory


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        mode = directory.stat().st_mode
    except FileExistsError:
        raise SettingsError(f"state.directory: {directory} is a file; remove it, or name a directory") from None
    except OSError as error:
        raise SettingsError(f"state.directory: {directory} cannot be made: {error.strerror}") from None
    if mode & stat.S_IWOTH:
        _log.warning(
            "state.directory: every user of this machine may write to %s and replace the key; run chmod o-w on it",
            directory,
        )


def _try(directory: Path) -> None:
    """Raise SettingsError if the key that is kept there cannot be read, or no key can be kept."""
    key = directory / KEPT_KEY
    if os.path.exists(key):
        if not os.access(key, os.R_OK):
            raise SettingsError(f"state.directory: {key} cannot be read by uid {os.geteuid()}; give it the file")
    elif not os.access(directory, os.W_OK | os.X_OK):
        raise SettingsError(f"state.directory: uid {os.geteuid()} cannot write to {directory}")
