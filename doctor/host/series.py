"""The steps about this machine, in their order."""

from collections.abc import Callable
from functools import partial

from licensegate.app.settings import Settings
from licensegate.files.run_in_thread import run_in_thread

from ..step import Series, Step, StepResult
from .clock import look_at_clock
from .descriptors import look_at_descriptors
from .disk import look_at_disks
from .files import LookingUser, look_at_files
from .memory import look_at_memory
from .port_holders import PortHolder
from .ports import RunningProcess, look_at_port
from .resolv_conf import ResolverSettings, judge_resolver
from .settings import Warn, look_at_settings

HOST = "host"
"""The subject of these steps."""

_HANGS = "a disk or a network mount of this host does not answer; df and mount show which"


def host_series(
    settings: Settings,
    warn: Warn,
    resolver: ResolverSettings,
    holders: tuple[PortHolder, ...],
    gate: RunningProcess,
    user: LookingUser,
) -> Series:
    """The steps about the host, as `user` sees them."""
    looks: dict[str, Callable[[], StepResult]] = {
        "settings": partial(look_at_settings, settings, warn),
        "files": partial(look_at_files, settings, user),
        "descriptors": partial(look_at_descriptors, settings.limits, gate.pid),
        "disk": partial(look_at_disks, settings),
        "memory": partial(look_at_memory, settings.limits, gate.pid),
        "clock": look_at_clock,
        "resolver": partial(judge_resolver, resolver),
    }
    steps = [in_thread(name, HOST, look) for name, look in looks.items()]
    admin = settings.admin.listen
    if admin is not None:
        steps.append(in_thread("admin port", HOST, partial(look_at_port, admin, holders, gate_runs=gate.runs)))
    return tuple(steps)


def in_thread(name: str, subject: str, look: Callable[[], StepResult], needs: tuple[str, ...] = ()) -> Step:
    """A step that blocks, in a thread of its own."""
    return Step(name, subject, partial(run_in_thread, look, f"doctor: {name}"), needs, late=_HANGS)
