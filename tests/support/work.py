"""How much work a call does.

It is counted in lines of Python, since a count is the same on every machine and a time is not; what C does, such as
matching a pattern, can only be timed.
"""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

_TRIES: Final = 10


def lines_executed(call: Callable[[], object]) -> int:
    """How many lines of Python run in the call."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def is_quick(call: Callable[[], object], seconds: float) -> bool:
    """Whether one of ten calls takes less CPU time than this.

    A busy machine or a garbage collection slows some of them down, work that grows with the square all.
    """
    return any(_seconds(call) < seconds for _ in range(_TRIES))


def _seconds(call: Callable[[], object]) -> float:
    before = time.thread_time()
    call()
    return time.thread_time() - before
