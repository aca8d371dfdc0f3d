"""The last changes of a gate: who asked for what."""

from licensegate.records.change import Change

from .answer import Answer


class ChangeList(Answer, frozen=True, kw_only=True):
    """One page of the last changes of this process, the newest first. `total` counts those of all pages.

    `changes` are the lines of `docs/changes.md`.
    """

    page: int
    pages: int
    total: int
    changes: list[Change]
