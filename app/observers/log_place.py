"""The place of a log: standard output, or a file that is opened for appending. Errors name the setting to change."""

import errno
import os
import stat
from typing import Final

from licensegate.app.terminal import STANDARD_OUTPUT

STANDARD: Final = "-"
"""The place that is standard output."""

_PACKAGED: Final = "; the packaged unit makes /var/log/licensegate for it"


class LogPlaceError(Exception):
    """A log cannot be opened. Names the file, the reason and the setting."""


class NoReaderError(LogPlaceError):
    """The log is a pipe without a reader, which may start later."""


def open_place(place: str, setting: str) -> int:
    """Open the place that this setting names. Waits if it is on a mount that hangs. Raises LogPlaceError."""
    if place == STANDARD:
        return STANDARD_OUTPUT
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe would wait for its reader
    try:
        opened = os.open(place, flags, 0o640)
    except OSError as error:
        kind = NoReaderError if error.errno == errno.ENXIO and _is_pipe(place) else LogPlaceError
        raise kind(f"{setting}: cannot write {place}: {_remedy(place, error)}") from error
    os.set_blocking(opened, True)
    return opened


def close_place(opened: int) -> None:
    """Close what `open_place` returned, if nothing will be written to it."""
    if opened != STANDARD_OUTPUT:
        os.close(opened)


def place_name(place: str) -> str:
    """The place as messages name it."""
    return "on standard output" if place == STANDARD else place


def _is_pipe(place: str) -> bool:
    return stat.S_ISFIFO(os.stat(place).st_mode)


def _remedy(place: str, error: OSError) -> str:
    """Why the file cannot be opened, and what to change."""
    folder = os.path.dirname(os.path.realpath(place))
    match error.errno:
        case errno.ENXIO if _is_pipe(place):
            return "this pipe has no reader; start the reader first"
        case errno.ENXIO:
            return "it is a socket; name a file"
        case errno.ENOENT:
            return f"there is no folder {folder}; make it for the gate's user{_PACKAGED}"
        case errno.ENOTDIR:
            return f"{folder} is not a folder; name a file in one"
        case errno.EACCES | errno.EPERM | errno.EROFS if os.path.exists(place):
            return f"{error.strerror}; let the gate's user write to it"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{error.strerror}; let the gate's user write in {folder}{_PACKAGED}"
        case errno.EISDIR:
            return "it is a folder; name a file in it"
        case _:
            return error.strerror or str(error)
