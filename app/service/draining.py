"""What the process that serves and those that drain after a handover ask of each other, over their control sockets."""

import asyncio
import logging
import os
from functools import partial
from pathlib import Path
from typing import Final

from licensegate.app.settings import Settings
from licensegate.files.off_loop import OffLoop
from licensegate.files.run_in_thread import run_in_thread

from .components import Components
from .control_client import ask
from .control_protocol import ControlError, NobodyServesError, Reply, Request, control_path, draining_paths

_FOLLOW_SECONDS: Final = 5.0
"""How long a reload waits for the processes that drain. They go on without it."""

_log = logging.getLogger(__name__)


async def pass_on(components: Components, request: Request) -> Reply:
    """Let the process that serves instead of this one carry out a command."""
    path = place_of_control(components.settings)
    try:
        if path is None:
            raise ControlError("there is no control socket")
        return await run_in_thread(partial(ask, path, request), "asking the gate that serves")
    except ControlError as error:
        return Reply(False, f"refused: process {components.successor} serves now: {error}")


async def follow_reload(components: Components, config: Path | None) -> list[str]:
    """Let the processes that drain judge their tunnels by the settings in force here. Returns what they say.

    `config` is the settings file, if the command line named it.
    """
    control = place_of_control(components.settings)
    paths: list[Path] = []
    if control is not None:
        paths = await OffLoop().run_briefly(partial(draining_paths, control), [])
    request = Request("follow", config=os.path.abspath(config) if config else "")
    return [said for said in await asyncio.gather(*(_follow(path, request) for path in paths)) if said]


async def _follow(path: Path, request: Request) -> str:
    """What the process at this socket says; empty if it has ended."""
    try:
        reply = await run_in_thread(partial(ask, path, request, _FOLLOW_SECONDS), "asking a gate that drains")
    except NobodyServesError:
        return ""
    except ControlError as error:
        reply = Reply(False, str(error))
    if reply.ok:
        return reply.message
    said = f"the tunnels that drain at {path.name} are not judged by these settings: {reply.message}"
    _log.error("%s; end them with `licensegate revoke` or `licensegate end`", said)
    return said


def place_of_control(settings: Settings) -> Path | None:
    """Where these settings want the control socket."""
    return control_path(settings.state_directory, os.environ)
