"""What `revoke` and `end` share: they ask the gate that runs, and those that drain, and show what they have ended."""

import argparse
import contextlib
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from licensegate.app.overview.ended_tunnels import EndedTunnels
from licensegate.app.service.control_client import ask_for_answer
from licensegate.app.service.control_protocol import ControlError, NobodyServesError, Request, draining_paths
from licensegate.app.settings import SettingsError
from licensegate.app.terminal import complain, say_json

from .control_socket import NO_SOCKET, control_socket
from .gate_answers import GateAnswerError
from .showing import read_answer, show_once

_SECONDS: Final = 60.0
"""Many times what ending all tunnels of a full gate takes."""


def add_gate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of both."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file that the gate was started with")
    parser.add_argument("--json", action="store_true", help="print the answer as one line of JSON")


def request_ends(arguments: argparse.Namespace, request: Request, advice: str = "") -> int:
    """Send the request, show the answer, with the advice where something was ended. Returns the exit status."""
    try:
        path = control_socket(arguments.config)
        if path is None:
            return complain(NO_SOCKET)
        answer = read_answer(ask_for_answer(path, request, _SECONDS), EndedTunnels)
        for draining in draining_paths(path):
            with contextlib.suppress(NobodyServesError):  # it has ended
                answer = _both(answer, read_answer(ask_for_answer(draining, request, _SECONDS), EndedTunnels))
    except (ControlError, GateAnswerError, SettingsError) as error:
        return complain(str(error))
    if arguments.json:
        say_json(msgspec.json.encode(answer).decode())
    else:
        _show(answer, advice)
    for unknown in answer.unknown:
        complain(f"no open connection has the id {unknown}; `licensegate tunnels` lists them")
    return 1 if answer.unknown else 0


def _both(one: EndedTunnels, other: EndedTunnels) -> EndedTunnels:
    """What two processes have ended together."""
    unknown = tuple(each for each in one.unknown if each in other.unknown)
    return structs.replace(one, tunnels=[*one.tunnels, *other.tunnels], unknown=unknown)


def _show(answer: EndedTunnels, advice: str) -> None:
    from licensegate.app.screen.ended_tunnels import ended_tunnels

    show_once(answer.made_at, partial(ended_tunnels, answer, advice=advice))
