"""The step `clock`: does a time service keep this host's clock? The kernel knows (adjtimex(2)), without privileges."""

import ctypes
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from ..step import StepResult, ok, skipped, warning

_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC of timex.h


class _Timex(ctypes.Structure):
    """The beginning of struct timex; the kernel fills the rest, which only reserves its space."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


class KernelClock(Struct, frozen=True):
    """Whether a time service keeps the kernel's clock, and by how much it may be wrong at most, in seconds."""

    synchronised: bool
    at_most: float


def look_at_clock() -> StepResult:
    """Ask the kernel. The comparison with the targets' clocks is a step of each target."""
    clock = read_kernel_clock()
    if clock is None:
        return skipped("the kernel does not tell whether the clock is synchronised")
    return judge_clock(clock, datetime.now(UTC))


def judge_clock(clock: KernelClock, now: datetime) -> StepResult:
    """Describe the clock, and warn if nothing keeps it."""
    said = f"this host says {now:%Y-%m-%d %H:%M:%S} UTC"
    if clock.synchronised:
        return ok(f"{said}; a time service keeps it within {clock.at_most:.3g} s")
    return warning(
        f"{said}; no time service keeps it",
        "start one: systemctl enable --now systemd-timesyncd, or chronyd, with a time server that this host reaches; "
        "in a container, on the machine around it",
    )


def read_kernel_clock() -> KernelClock | None:
    """Read the kernel's clock without changing it; None where the system forbids that."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    state = _Timex()
    if adjtimex(ctypes.byref(state)) < 0:
        return None
    return KernelClock(not state.status & _UNSYNCHRONISED, state.maxerror / 1e6)
