"""The step `descriptors`: may the gate open as many files as its settings need?"""

import re
import resource
from pathlib import Path

from licensegate.proxy.settings import Limits, tunnels_within

from ..step import StepResult, ok, warning

_OPEN_FILES = re.compile(r"^Max open files +(\d+|unlimited) +(\d+|unlimited)", re.MULTILINE)


def look_at_descriptors(limits: Limits, gate_pid: int) -> StepResult:
    """Compare with the limit of the running gate, or of this process if `gate_pid` is 0; the gate raises its own."""
    running = _limit_of(gate_pid) if gate_pid else None
    return judge_descriptors(limits, running or _own_limit(), whose="the running gate" if running else "this session")


def judge_descriptors(limits: Limits, allowed: int, whose: str) -> StepResult:
    """Whether so many descriptors are enough for a full gate."""
    wanted = limits.descriptors
    if allowed >= wanted:
        return ok(f"{whose} may open {allowed} files; {limits.tunnels} tunnels need {wanted}")
    return warning(
        f"{whose} may open {allowed} files, enough for {tunnels_within(allowed)} of limits.tunnels = {limits.tunnels}",
        f"raise the limit to {wanted} (LimitNOFILE in the unit, --ulimit nofile for a container, ulimit -n by hand), "
        "or lower limits.tunnels",
    )


def _own_limit() -> int:
    """The hard limit, to which the gate raises its soft one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return (1 << 63) - 1 if hard == resource.RLIM_INFINITY else hard


def _limit_of(pid: int) -> int | None:
    """The soft limit of a process that has raised it already; None if it cannot be read."""
    try:
        found = _OPEN_FILES.search(Path(f"/proc/{pid}/limits").read_text(encoding="ascii"))
    except OSError:
        return None
    return None if found is None or found[1] == "unlimited" else int(found[1])
