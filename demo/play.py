"""Plays the stories: starts everything, says what to look at, and lets the clients call until it is stopped."""

import itertools
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from licensegate.language.language import Language
from licensegate.ledger.entries import LedgerEntry

from .admin import client_row
from .clients import close
from .gate import LOOKED
from .lab import Lab, open_lab
from .parent import is_installed
from .processes import DemoError, Processes
from .programme import STARTING, programme
from .stop_signals import StopAskedError, StopSignals
from .stories import Story, told

Say: TypeAlias = Callable[[str], object]

_PAUSE: Final = 3.0
"""Seconds between the calls of two clients: gentle on the machine, and often enough to see a page change."""

_STEP: Final = 0.1
_PATIENCE: Final = 30.0
"""Seconds for the gate to say what a story tells: its looks at targets and its ledger run beside the contacts."""


def play(language: Language, say: Say, *, once: bool = False, seconds: float | None = None) -> None:
    """Play until a signal ends it, or for some seconds. With `once`, play each story once and hold the gate to it.

    Raises DemoError if a process fails, or if the gate does not say what a story tells.
    """
    with_parent = is_installed()
    stories = told(with_parent=with_parent)
    with StopSignals() as stop, Processes(stop) as processes:
        try:
            say(language.gettext(STARTING))
            clients, past = [story.client for story in stories], _past(stories, datetime.now(UTC))
            with open_lab(processes, clients, past, with_parent=with_parent) as lab:
                for line in programme(language, lab.gate, stories, goes_on=not once and seconds is None):
                    say(line)
                _play_each(lab, stories, processes)
                if once:
                    _hold_to(lab, stories, processes, stop)
                else:
                    _go_on(lab, stories, processes, stop, seconds)
        except StopAskedError:
            return


def _past(stories: Sequence[Story], now: datetime) -> Iterator[LedgerEntry]:
    return itertools.chain.from_iterable(story.past(story.client.name, now) for story in stories)


def _play_each(lab: Lab, stories: Sequence[Story], processes: Processes) -> None:
    """Play each story once: those about certificates when the gate has looked at its targets."""
    for story in stories:
        if not story.needs_look:
            _end(_act(lab, story))
    if processes.finish(lab.looks) not in LOOKED:
        raise DemoError(f"the gate does not look at its targets: {lab.looks.last_line()}")
    for story in stories:
        if story.needs_look:
            _end(_act(lab, story))


def _act(lab: Lab, story: Story) -> ssl.SSLSocket | None:
    return None if story.act is None else story.act(lab, story.client)


def _end(tunnel: ssl.SSLSocket | None) -> None:
    if tunnel is not None:
        close(tunnel)


def _go_on(lab: Lab, stories: Sequence[Story], processes: Processes, stop: StopSignals, seconds: float | None) -> None:
    """Let one client after the other call, for some seconds or for ever. Each keeps its tunnel until the next one's."""
    end = None if seconds is None else time.monotonic() + seconds
    tunnel = None
    try:
        for story in itertools.cycle(story for story in stories if story.act is not None):
            left = _PAUSE if end is None else end - time.monotonic()
            stop.pause(min(_PAUSE, left))
            if end is not None and left <= _PAUSE:
                return
            processes.check()
            _end(tunnel)
            tunnel = _act(lab, story)
    finally:
        _end(tunnel)


def _hold_to(lab: Lab, stories: Sequence[Story], processes: Processes, stop: StopSignals) -> None:
    """Wait until the gate says what each story tells. Raises DemoError."""
    deadline = time.monotonic() + _PATIENCE
    for story in stories:
        while difference := _difference(lab, story):
            processes.check()
            if time.monotonic() > deadline:
                raise DemoError(difference)
            stop.pause(_STEP)


def _difference(lab: Lab, story: Story) -> str:
    """Say in which way the gate contradicts a story; empty if it does not."""
    name, told = story.client.name, f"{story.level}, {story.label or 'no finding'}"
    row = client_row(lab.gate, name)
    found = "nothing" if row is None else f"{row.level}, {row.finding or 'no finding'}"
    return "" if found == told else f"the gate says of {name}: {found}; its story tells: {told}"
