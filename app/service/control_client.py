"""Sends a command to a running gate over its control socket, and waits for the reply. Loads little."""

import os
import socket
from pathlib import Path
from typing import Final

import msgspec

from licensegate.records.json_errors import JSON_ERRORS

from .control_protocol import MOST_ANSWER_BYTES, ControlError, NobodyServesError, Reply, Request

_REPLY_SECONDS: Final = 50  # for a reload that waits for another one, each with its time limits, and some more


def ask(path: Path, request: Request, seconds: float = _REPLY_SECONDS) -> Reply:
    """Send a request to the gate that serves this socket, and wait so long for the reply. Raises ControlError."""
    return _ask(path, request, seconds)[0]


def ask_for_answer(path: Path, request: Request, seconds: float = _REPLY_SECONDS) -> bytes:
    """Send a request that is answered at length, and return the answer. Raises ControlError."""
    reply, answer = _ask(path, request, seconds)
    if not reply.ok:
        raise ControlError(reply.message)
    return answer


def _ask(path: Path, request: Request, seconds: float) -> tuple[Reply, bytes]:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(os.fspath(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            with connection.makefile("rb") as received:
                reply = msgspec.json.decode(received.readline(), type=Reply)
                answer = received.read(min(reply.answer_bytes, MOST_ANSWER_BYTES))
            if len(answer) < reply.answer_bytes:
                raise ControlError(f"the gate at {path} did not send its whole answer; see its log")
            return reply, answer
    except JSON_ERRORS:
        raise ControlError(f"the gate at {path} closed the connection without an answer; see its log") from None
    except TimeoutError:
        raise ControlError(f"the gate at {path} has not answered for {seconds:g} s; see its log") from None
    except PermissionError:
        raise ControlError(f"only the gate's user and root may use {path}: run this as one of them") from None
    except OSError as error:
        raise NobodyServesError(f"no gate answers on {path}: {error.strerror or error}; is it running?") from error
