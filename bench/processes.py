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

    Reads each process's own clock, in nanoseconds: `/proc/PID/stat` counts in steps of 10 ms, and
    `/proc/PID/task/*/schedstat` has no threads that have ended, such as tinyproxy's.
    """
    return sum(map(_process_clock, processes))


def _process_clock(process: int) -> float:
    clock = ctypes.c_int()
    error = _libc.clock_getcpuclockid(process, ctypes.byref(clock))
    if error:
        raise ProcessLookupError(error, os.strerror(error), f"process {process}")
    return time.clock_gettime(clock.value)


def proportional_bytes(processes: list[int]) -> int:
    """Proportional set size: private memory plus a share of memory shared with other processes."""
    return sum(_memory(process, "Pss") for process in processes)


def resident_bytes(processes: list[int]) -> int:
    """Resident set size: memory shared with other processes counts in full."""
    return sum(_memory(process, "Rss") for process in processes)


def _memory(process: int, wanted: str) -> int:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == wanted:
            return int(value.split()[0]) * 1024
    raise ProcessLookupError(f"the kernel reports no memory of process {process}")
