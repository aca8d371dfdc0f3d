"""A change of a running gate: who asked for it, what differs, and whether it took place. One JSON line each.

Refused attempts are changes too, with `ok` false. The fields are described in `docs/changes.md`.
"""

import enum
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct, structs

from .requester import Requester
from .setting_change import SettingChange, shortened

CHANGE_SCHEMA: Final = 1
"""Raised by one when a key changes its name or meaning; a new key does not raise it."""

LONGEST_LINE: Final = 65536
"""What readers of lines take; a longer line leaves settings out, and counts them."""


_MANY_TUNNELS: Final = 100
"""Settings are left out before fewer than half of these."""

_SHORTER_LISTS: Final = (1000, 100, 10)
"""Names in a list of a setting, before settings are left out."""


class ChangeKind(enum.StrEnum):
    """What was asked for, or has happened."""

    START = "start"
    STOP = "stop"
    RELOAD = "reload"
    HANDOVER = "handover"
    REVOKE = "revoke"
    END = "end"
    CERTIFICATE = "certificate"
    USERS = "users"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    CLIENT_TEXT = "client_text"
    CLIENT_NAME = "client_name"
    CLIENT_CONTACT = "client_contact"


ChangeLevel: TypeAlias = Literal["info", "warning", "error"]


class InForce(Struct, frozen=True):
    """What a gate goes by: the hash of its settings and the hash of its allowlist."""

    settings: str
    policy: str


class GateProcess(Struct, frozen=True):
    """A process that serves, and its release."""

    pid: int
    version: str


class Change(Struct, frozen=True, omit_defaults=True):
    """`message` says who asked, and what has changed or why nothing has, as the service log does, at its `level`.

    `settings` are the changes one by one, without `settings_left_out` others for which the line had no room; those of a
    start are all that differs from the built-in defaults. `before` and `after` are the hashes around the
    change. `tunnels` are the ids of those that it ended, without `tunnels_left_out` others. `process` has written this,
    `other` is the other one of a handover.
    """

    schema: int
    event: str
    time: datetime
    kind: ChangeKind
    ok: bool
    by: tuple[Requester, ...]
    level: ChangeLevel
    message: str
    process: GateProcess
    settings: tuple[SettingChange, ...] = ()
    settings_left_out: int = 0
    before: InForce | None = None
    after: InForce | None = None
    tunnels: tuple[str, ...] = ()
    tunnels_left_out: int = 0
    other: GateProcess | None = None


def change_of(
    kind: ChangeKind,
    by: tuple[Requester, ...],
    what: str,
    process: GateProcess,
    *,
    ok: bool = True,
    level: ChangeLevel | None = None,
    settings: tuple[SettingChange, ...] = (),
    before: InForce | None = None,
    after: InForce | None = None,
    tunnels: tuple[str, ...] = (),
    other: GateProcess | None = None,
) -> Change:
    """A change that has happened now, or was refused.

    `what` says what has changed, or why nothing has; what of a path in it is not UTF-8 is escaped. Settings for which a
    line has no room are left out.
    """
    change = Change(
        CHANGE_SCHEMA,
        "change",
        datetime.now(UTC),
        kind,
        ok,
        by,
        level or ("info" if ok else "error"),
        _message(kind, by, what, ok=ok).encode(errors="backslashreplace").decode(),
        process,
        settings,
        before=before,
        after=after,
        tunnels=tunnels,
        other=other,
    )
    return fitting(change)


def _message(kind: ChangeKind, by: tuple[Requester, ...], what: str, *, ok: bool) -> str:
    match kind:
        case ChangeKind.START:
            return f"ready: {what}"
        case ChangeKind.STOP:
            return f"stopping: {what}"
        case ChangeKind.RELOAD | ChangeKind.HANDOVER | ChangeKind.REVOKE | ChangeKind.END:
            whose = f" requested by {' and '.join(map(str, by))}" if by else ""
            return f"{kind}{whose}{'' if ok else ' refused'}: {what}"
        case _:
            return what


def encoded(change: Change, most_bytes: int = LONGEST_LINE) -> bytes:
    """The line of JSON, without its newline, cut as `fitting` does."""
    return msgspec.json.encode(fitting(change, most_bytes))


def fitting(change: Change, most_bytes: int = LONGEST_LINE) -> Change:
    """The change whose line has less than so many bytes.

    It has half of its tunnels, or fewer, then shorter lists in its settings, then half of these, or fewer.
    """
    lists = iter(_SHORTER_LISTS)
    while len(msgspec.json.encode(change)) >= most_bytes:
        if len(change.tunnels) > _MANY_TUNNELS:
            some = change.tunnels[: len(change.tunnels) // 2]
            left_out = change.tunnels_left_out + len(change.tunnels) - len(some)
            change = structs.replace(change, tunnels=some, tunnels_left_out=left_out)
        elif most := next(lists, 0):
            change = structs.replace(change, settings=tuple(shortened(each, most) for each in change.settings))
        elif change.settings:
            kept = change.settings[: len(change.settings) // 2]
            left_out = change.settings_left_out + len(change.settings) - len(kept)
            change = structs.replace(change, settings=kept, settings_left_out=left_out)
        else:
            break
    return change
