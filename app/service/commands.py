"""The commands of a running gate, and what carries each out: those of the control socket, and reloads by a signal."""

import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

from licensegate.app.observers.change_log import ChangeLog
from licensegate.app.settings import load
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester

from .answers import show
from .components import Components
from .control import Control
from .control_protocol import ControlError, Reply, Request
from .draining import follow_reload, pass_on, place_of_control
from .handover import Handover
from .probe_requests import answer_probe
from .reload import Reloader
from .reload_queue import ReloadQueue
from .revoke_requests import answer_end, answer_revoke
from .systemd import notify_ready, notify_reloading
from .takeover import Takeover

_CHANGING: Final = frozenset({ChangeKind.RELOAD, ChangeKind.HANDOVER, ChangeKind.REVOKE, ChangeKind.END})
"""The commands that change something."""

_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def open_commands(
    reloader: Reloader, config: Path | None, takeover: Takeover | None
) -> AsyncIterator[tuple[ReloadQueue, Handover]]:
    """Serve the control socket, if the settings have a directory for it; yield its reloads and handovers."""
    gate, changes = reloader.components.gate, reloader.components.changes
    reloads = ReloadQueue(
        lambda requesters, defaults: _reload(reloader, control, config, requesters, defaults),
        lambda requesters, reason: changes.write(ChangeKind.RELOAD, *requesters, what=reason, ok=False),
    )
    control = Control(
        {
            "reload": lambda requester, request: reloads.request(requester, defaults=request.defaults),
            "probe": lambda requester, request: answer_probe(reloader.components, request.target),
            "show": lambda requester, request: show(reloader.components.view(), request.answer, request.parameters),
            "revoke": lambda requester, request: answer_revoke(gate, changes, requester, request),
            "end": lambda requester, request: answer_end(gate, changes, requester, request),
            "follow": lambda requester, request: follow_settings(reloader, requester, _file(request.config)),
            "handover": lambda requester, request: reloads.alone(partial(handover.hand_over, requester, request)),
        },
        partial(_say_refused, changes),
    )
    handover = Handover(reloader.components, control, config)
    await _place(control, reloader.components, None if takeover is None else takeover.control)
    try:
        yield reloads, handover
    finally:
        await control.close()
        await control.finish()


def _file(text: str) -> Path | None:
    return Path(text) if text else None


def _say_refused(changes: ChangeLog, requester: Requester, command: str, reason: str) -> None:
    """Write that somebody gave a command without the right to; a command that changes nothing is no matter."""
    if command in _CHANGING:
        changes.write(ChangeKind(command), requester, what=reason, ok=False)


async def _place(control: Control, components: Components, passed: socket.socket | None = None) -> None:
    """Move the control socket to where the settings want it. If that fails, SIGHUP still reloads.

    `passed` is a socket that listens there already.
    """
    path = place_of_control(components.settings)
    if path is not None:
        components.view()  # so that it knows what happens from now on
    try:
        await control.serve_at(path, passed)
    except ControlError as error:
        _log.error("%s; only SIGHUP reloads", error)


async def _reload(
    reloader: Reloader, control: Control, config: Path | None, requesters: tuple[Requester, ...], defaults: bool
) -> Reply:
    """Reload, and tell the service manager, unless it knows already that the gate stops.

    A request that came during a handover is passed on to the process that serves now. Processes that drain follow a
    reload that has succeeded.
    """
    if reloader.components.successor is not None:
        reply = await pass_on(reloader.components, Request("reload", defaults=defaults))
        what = f"passed on to process {reloader.components.successor}, which serves now; {reply.message}"
        reloader.components.changes.write(ChangeKind.RELOAD, *requesters, what=what, ok=reply.ok)
        return reply
    gate = reloader.components.gate
    instructions = reloader.components.instructions
    if not gate.draining:
        notify_reloading(os.environ)
    reply = await reloader.reload(requesters, defaults=defaults)
    if not gate.draining:
        if (new_instructions := reloader.components.instructions) != instructions:
            _log.info("%s", new_instructions)
        await _place(control, reloader.components)
        notify_ready(os.environ, reloader.components.status)
    if not reply.ok:
        return reply
    return Reply(True, "; ".join((reply.message, *await follow_reload(reloader.components, config))))


async def follow_settings(reloader: Reloader, requester: Requester, config: Path | None) -> Reply:
    """After a handover: judge the tunnels that drain here by the settings in this file, which the new process uses."""
    components = reloader.components
    if components.successor is None:
        return Reply(False, "refused: this process drains no tunnels after a handover")
    reply = await reloader.follow(requester, partial(load, config, os.environ))
    return Reply(reply.ok, reply.message and f"process {os.getpid()}, which drains: {reply.message}")
