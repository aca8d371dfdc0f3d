"""The step `memory`: the limit of this container or service (cgroups(7)), and whether it has ended programs."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.proxy.settings import Limits

from ..step import StepResult, merged, ok, warning

_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN_CGROUPS: Final = Path("/proc/self/cgroup")
_AT_REST: Final = 44 << 20
"""The gate with its admin server (docs/operations.md)."""
_PER_TUNNEL: Final = 4096
_UNLIMITED: Final = 1 << 60  # version 1 writes a number near 2^63 for no limit
_MEGABYTE: Final = 1 << 20


class MemoryLimit(Struct, frozen=True):
    """A limit in bytes, and how many programs it has ended."""

    bytes: int
    kills: int = 0


def look_at_memory(limits: Limits, pid: int = 0) -> StepResult:
    """Judge the limit of the gate's process, or of this one if `pid` is 0."""
    return judge_memory(limits, read_memory_limit(Path(f"/proc/{pid}/cgroup") if pid else _OWN_CGROUPS))


def judge_memory(limits: Limits, limit: MemoryLimit | None) -> StepResult:
    """Compare the limit with what a full gate takes."""
    needed = _AT_REST + limits.waiting_bytes + limits.tunnels * _PER_TUNNEL
    if limit is None:
        return ok(f"no limit is set; a full gate takes about {needed // _MEGABYTE} MB")
    said = f"at most {limit.bytes // _MEGABYTE} MB; a full gate takes about {needed // _MEGABYTE} MB"
    results = []
    if limit.bytes < needed:
        results.append(warning(said, "raise the memory limit, or lower limits.tunnels and limits.waiting_bytes"))
    if limit.kills:
        results.append(warning(f"the limit has ended a program {limit.kills} times", "raise the memory limit"))
    return merged(results) if results else ok(said)


def read_memory_limit(own: Path = _OWN_CGROUPS, root: Path = _CGROUPS) -> MemoryLimit | None:
    """The narrowest limit of the groups that a process is in, of version 2 or 1; None without one."""
    limits = [limit for folder, names in _folders(own, root) if (limit := _read_limit(folder, *names))]
    return min(limits, key=lambda limit: limit.bytes, default=None)


def _folders(own: Path, root: Path) -> list[tuple[Path, tuple[str, str]]]:
    """The folders from the process's groups up to the root, with the names of the files of their version."""
    try:
        lines = own.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, names = root, ("memory.max", "memory.events")
        elif controllers == "memory":
            base, names = root / "memory", ("memory.limit_in_bytes", "memory.oom_control")
        else:
            continue
        group = Path(path.lstrip("/"))
        found += [(base / each, names) for each in (group, *group.parents)]
    return found


def _read_limit(folder: Path, limit_file: str, kills_file: str) -> MemoryLimit | None:
    text = _read(folder / limit_file)
    if not text.isdigit() or int(text) >= _UNLIMITED:  # "max"
        return None
    kills = [line.split()[1] for line in _read(folder / kills_file).splitlines() if line.startswith("oom_kill ")]
    return MemoryLimit(int(text), int(kills[0]) if kills else 0)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
