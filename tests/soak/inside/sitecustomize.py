"""Runs inside a gate that is soaked: on SIGUSR2 it writes what asyncio tasks there are, by what they run."""

import asyncio
import json
import os
import signal
from collections import Counter
from pathlib import Path

_FILE = os.environ.pop("SOAK_TASKS_FILE", "")


def _write_tasks(_signal: int, _frame: object) -> None:
    names = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    part = Path(f"{_FILE}.part")
    part.write_text(json.dumps(names))
    part.rename(_FILE)


if _FILE:
    signal.signal(signal.SIGUSR2, _write_tasks)
