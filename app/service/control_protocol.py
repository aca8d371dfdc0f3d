"""The protocol of the control socket: where it is, the messages over it, and the errors of both sides.

One line of JSON each way: `{"command": "reload"}` is answered by `{"ok": true, "message": "…"}`. An answer of the API,
as `show` asks for it, follows its line in as many bytes as `answer_bytes` says.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from licensegate.app.settings.packaged import runtime_directory

_FILE: Final = "control.sock"
MOST_ANSWER_BYTES: Final = 1 << 24
"""Many times the longest page of the API."""


class ControlError(Exception):
    """No gate answers, or the socket cannot be made. Says why, and what to change."""


class NobodyServesError(ControlError):
    """No gate serves the socket."""


class RevocationRequest(Struct, frozen=True, omit_defaults=True):
    """Which open tunnels to end: those that match each list that is not empty, as texts of the command line.

    `not_allowed`: of these, only those that would be refused now. `dry_run`: end none, say which.
    """

    hosts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    not_allowed: bool = False
    dry_run: bool = False


class Request(Struct, frozen=True):
    """A command for the gate.

    `defaults` makes a reload accept settings that were emptied. `target` is the one to look at; without one, `probe`
    returns the names of the targets. A handover starts the interpreter `program`, with the settings file `config` if
    one is named, and waits `ready_seconds` for it; then open tunnels have `drain_seconds`. `follow` asks a process that
    drains to judge its tunnels by the settings in `config`, as the process that serves does now. `answer` is the answer
    of the API to show, by its name below `/api/`, with these `parameters`. `revoke` ends the tunnels of `revocation`,
    or only says which; `end` those with these `ids`.
    """

    command: str
    defaults: bool = False
    target: str = ""
    program: str = ""
    config: str = ""
    ready_seconds: float = 30.0
    drain_seconds: float = 600.0
    answer: str = ""
    parameters: dict[str, str] = {}
    revocation: RevocationRequest | None = None
    ids: tuple[str, ...] = ()


class Reply(Struct, frozen=True):
    """Whether the command was carried out, and a sentence for the requester. So many bytes of an answer follow it."""

    ok: bool
    message: str
    answer_bytes: int = 0


def control_path(state_directory: Path | None, environ: Mapping[str, str], file: Path | None = None) -> Path | None:
    """The socket's path: in systemd's runtime directory, otherwise in the state directory; None without either.

    With `file`, the settings file of a command that was typed by hand, the packaged service's directory is found too.
    """
    folder = runtime_directory(file, environ) or state_directory
    return folder / _FILE if folder else None


def draining_path(control: Path, pid: int) -> Path:
    """Where process `pid` serves commands while it drains after a handover; `control` leads to the gate that serves."""
    return control.with_name(f"{control.stem}-{pid}{control.suffix}")


def draining_paths(control: Path) -> list[Path]:
    """The sockets of all processes that drain beside the gate at `control`, and of some that have ended."""
    return sorted(control.parent.glob(f"{control.stem}-*{control.suffix}"))


def encoded(reply: Reply | bytes) -> bytes:
    """The bytes of a reply; an answer that is too long is refused."""
    if isinstance(reply, bytes):
        if len(reply) <= MOST_ANSWER_BYTES:
            return msgspec.json.encode(Reply(True, "", len(reply))) + b"\n" + reply
        reply = Reply(False, f"the answer is longer than {MOST_ANSWER_BYTES} bytes")
    message = reply.message.encode(errors="backslashreplace").decode()  # a path in it need not be valid UTF-8
    return msgspec.json.encode(Reply(reply.ok, message)) + b"\n"
