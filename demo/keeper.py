"""Ends the demo's processes and removes its folder once the demo itself has ended, in whatever way.

`python -m licensegate.demo.keeper FOLDER` reads the numbers of process groups from standard input, one a line; with a
minus in front, the group has ended. The demo holds the other end of the pipe, so its own end, even by SIGKILL, is the
end of this input. Loads the standard library only.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from typing import BinaryIO, Final

_STEP: Final = 0.02
_PATIENCE: Final = 5.0
"""Seconds for the processes to end by SIGTERM, and then by SIGKILL."""


def keep(folder: str, groups: BinaryIO) -> None:
    """Wait for the end of the input, end the groups that are left and remove the folder."""
    left: set[int] = set()
    for number in map(int, groups):
        left = left | {number} if number > 0 else left - {-number}
    end(left)
    shutil.rmtree(folder, ignore_errors=True)


def end(groups: Iterable[int]) -> None:
    """Ask the process groups to end, kill what does not, and wait until nothing of them is left."""
    left = list(groups)
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [group for group in left if _send(group, number)]
        deadline = time.monotonic() + _PATIENCE
        while left and time.monotonic() < deadline:
            time.sleep(_STEP)
            left = [group for group in left if _send(group, None)]


def _send(group: int, number: signal.Signals | None) -> bool:
    """Send a signal, if there is one, to a group. Returns False if nothing is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number or 0)
        return True
    return False


if __name__ == "__main__":
    keep(sys.argv[1], sys.stdin.buffer)
