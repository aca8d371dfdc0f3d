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
from licensegate.app.settings import Settings
from licensegate.files.run_in_thread import run_in_thread
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester

from .answers import show
from .components import Components
from .control import Control
from .control_client import ask
from .control_protocol import ControlError, Reply, Request, control_path
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
        lambda requesters, defaults: _reload(reloader, control, requesters, defaults=defaults),
        lambda requesters, reason: changes.write(ChangeKind.RELOAD, *requesters, what=reason, ok=False),
    )
    control = Control(
        {
            "reload": lambda requester, request: reloads.request(requester, defaults=request.defaults),
            "probe": lambda requester, request: answer_probe(reloader.components, request.target),
            "show": lambda requester, request: show(reloader.components.view(), request.answer, request.parameters),
            "revoke": lambda requester, request: answer_revoke(gate, changes, requester, request),
            "end": lambda requester, request: answer_end(gate, changes, requester, request),
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


def _say_refused(changes: ChangeLog, requester: Requester, command: str, reason: str) -> None:
    """Write that somebody gave a command without the right to; a command that changes nothing is no matter."""
    if command in _CHANGING:
        changes.write(ChangeKind(command), requester, what=reason, ok=False)


def place_of_control(settings: Settings) -> Path | None:
    """Where the settings want the control socket."""
    return control_path(settings.state_directory, os.environ)


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


async def _reload(reloader: Reloader, control: Control, requesters: tuple[Requester, ...], *, defaults: bool) -> Reply:
    """Reload, and tell the service manager, unless it knows already that the gate stops.

    A request that came during a handover is passed on to the process that serves now.
    """
    if reloader.components.successor is not None:
        reply = await _pass_on(reloader.components, Request("reload", defaults=defaults))
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
    return reply


async def _pass_on(components: Components, request: Request) -> Reply:
    path = place_of_control(components.settings)
    try:
        if path is None:
            raise ControlError("there is no control socket")
        return await run_in_thread(partial(ask, path, request), "asking the gate that serves")
    except ControlError as error:
        return Reply(False, f"refused: process {components.successor} serves now: {error}")
