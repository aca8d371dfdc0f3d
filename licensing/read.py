"""Reads whatever a product says about its licences: printed output, JSON of its REST API, XML of CUCM's AXL.

The readers are loaded when the first text comes. They take a megabyte, and a gate at rest reads nothing.
"""

from licensegate.language.language import N_

from .report import Reading


def read(data: bytes) -> Reading:
    """Read one output; of several in one text, the first. Raises UnreadableTextError as `read_all` does."""
    first, *others = read_all(data)
    if others:
        note = N_("The text holds {n} outputs that are not of one product; this is the first.")
        first.notes.append(note.format(n=1 + len(others)))
    return first


def read_all(data: bytes) -> list[Reading]:
    """Read the outputs in one text, at least one: those of one device that do not contradict each other are one.

    Raises UnreadableTextError if it is too large, or JSON about something else.
    """
    from .outputs import outputs_in

    return outputs_in(data)
