"""The paths of the packaged service (deploy/licensegate.service), for commands that are typed by hand on its host.

An instance of deploy/licensegate@.service has its settings beside, in NAME.toml, and directories of its own.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SETTINGS: Final = Path("/etc/licensegate/licensegate.toml")
_STATE: Final = Path("/var/lib/licensegate")
_RUNTIME: Final = Path("/run/licensegate")


def state_directory(file: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The service's state directory for this settings file; None if nothing says where state is kept.

    systemd names it to the service itself: the first directory of `StateDirectory=` (systemd.exec(5)).
    """
    return _named("STATE_DIRECTORY", environ) or _of_service(_STATE, file)


def runtime_directory(file: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The service's runtime directory for this settings file, the first of `RuntimeDirectory=`; None without one."""
    return _named("RUNTIME_DIRECTORY", environ) or _of_service(_RUNTIME, file)


def _named(variable: str, environ: Mapping[str, str]) -> Path | None:
    first = environ.get(variable, "").partition(":")[0]
    return Path(first) if first else None


def _of_service(directory: Path, file: Path | None) -> Path | None:
    """The service's directory, or the one of the instance that has this settings file, if this host has it."""
    if file is None or file.parent != SETTINGS.parent or file.suffix != SETTINGS.suffix:
        return None
    if file != SETTINGS:
        directory = directory.with_name(f"{directory.name}-{file.stem}")
    return directory if os.path.isdir(directory) else None
