"""Runs inside a gate that is soaked: on SIGUSR2 it writes what asyncio tasks there are, by what they run, and how many
objects of each class of the gate, and TLS contexts."""

import asyncio
import gc
import json
import os
import signal
from collections import Counter
from pathlib import Path

_FILE = os.environ.pop("SOAK_INSIDE_FILE", "")


def _write(_signal: int, _frame: object) -> None:
    gc.collect()
    objects = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    tasks = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    part = Path(f"{_FILE}.part")
    counted = {name: count for name, count in objects.items() if name.startswith(("licensegate.", "ssl."))}
    part.write_text(json.dumps({"tasks": tasks, "objects": counted}))
    part.rename(_FILE)


if _FILE:
    signal.signal(signal.SIGUSR2, _write)
