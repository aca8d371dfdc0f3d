"""The state table of a conversation as its docstring shows it. Imports the gate's code."""

import re
from collections.abc import Iterator

from licensegate.proxy.protocol import states
from licensegate.proxy.protocol.states import State


def lines_of_the_docstring() -> list[list[str]]:
    """The cells of each line of the state table."""
    return _table("state", "event", "next state", "command")


def deadlines_of_the_docstring() -> list[list[str]]:
    """State, deadline and seconds of each state."""
    return _table("state", "deadline", "seconds")


def _table(*heading: str) -> list[list[str]]:
    blocks = (states.__doc__ or "").split("\n\n")
    tables = [
        [re.split(r" {2,}", line.strip()) for line in block.splitlines()] for block in blocks if block[:4] == "    "
    ]
    (lines,) = (lines for first, *lines in tables if first == list(heading))
    return lines


ROWS = [
    (State[state], event, State[after], command)
    for state, events, after, command in lines_of_the_docstring()
    for event in events.split(", ")
]
"""State, event, next state and command: a row for each event."""


def ways_on(state: State) -> Iterator[tuple[State, str]]:
    """The next states and commands of a state; states that are left at once are followed."""
    for before, _, after, command in ROWS:
        if before is state and command.startswith("depends on "):
            yield from ways_on(after)
        elif before is state:
            yield after, command
