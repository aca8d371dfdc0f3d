"""What `revoke` and `end` share: they ask the running gate, and show what it has ended."""

import argparse
from functools import partial
from pathlib import Path
from typing import Final

from licensegate.app.overview.ended_tunnels import EndedTunnels
from licensegate.app.service.control import ControlError, Request, ask_for_answer
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
        body = ask_for_answer(path, request, _SECONDS)
        answer = read_answer(body, EndedTunnels)
    except ControlError as error:
        return complain(str(error))
    except (SettingsError, GateAnswerError) as error:
        return complain(str(error))
    if arguments.json:
        say_json(body.decode(errors="backslashreplace").rstrip("\n"))
    else:
        _show(answer, advice)
    for unknown in answer.unknown:
        complain(f"no open connection has the id {unknown}; `licensegate tunnels` lists them")
    return 1 if answer.unknown else 0


def _show(answer: EndedTunnels, advice: str) -> None:
    from licensegate.app.screen.ended_tunnels import ended_tunnels

    show_once(answer.made_at, partial(ended_tunnels, answer, advice=advice))
