"""CPU time and memory of a process and its descendants."""

import ctypes
import os
import time
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def process_tree(root: int) -> list[int]:
    """The process `root` and its descendants, such as workers or log writers."""
    found = [root]
    for process in found:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def cpu_seconds(processes: list[int]) -> float:
    """User and system CPU time of these processes so far, including ended threads.

    Reads each process's CPU clock, since `/proc/PID/stat` counts in steps of 10 ms.
    """
    return sum(map(_process_clock, processes))


def _process_clock(process: int) -> float:
    clock = ctypes.c_int()
    error = _libc.clock_getcpuclockid(process, ctypes.byref(clock))
    if error:
        raise ProcessLookupError(error, os.strerror(error), f"process {process}")
    return time.clock_gettime(clock.value)


def memory_bytes(processes: list[int]) -> int:
    """Proportional set size: private memory plus a share of memory shared with other processes."""
    return sum(map(_proportional_bytes, processes))


def _proportional_bytes(process: int) -> int:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            return int(value.split()[0]) * 1024
    raise ProcessLookupError(f"the kernel reports no memory of process {process}")
