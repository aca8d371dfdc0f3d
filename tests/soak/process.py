"""What a gate's process holds: descriptors by kind, threads, asyncio tasks, objects, pipes and memory."""

import signal
import time
from collections import Counter
from pathlib import Path

import msgspec
from msgspec import Struct

from support.gate import Gate
from support.handed_over import open_things
from support.sockets import spin_until

_INSIDE = Path(__file__).with_name("inside")
"""Has a `sitecustomize` that counts a gate's tasks and objects on SIGUSR2: no page of the gate shows them."""

_FILE = "SOAK_INSIDE_FILE"
_MOST_LOOKS = 25
_LOOK_SECONDS = 0.2
PIPES = "pipe:[]"


class Held(Struct, frozen=True):
    """What a process holds. `things` are descriptors by what they lead to, and threads; `memory` is in bytes.

    `objects` are those of the gate's classes and TLS contexts, by class, as far as the garbage collector knows them.
    """

    things: Counter[str]
    tasks: Counter[str]
    memory: int
    objects: Counter[str] = Counter()

    @property
    def descriptors(self) -> int:
        """Open descriptors."""
        return self.things.total() - self.threads

    @property
    def threads(self) -> int:
        """Threads."""
        return self.things["threads"]

    @property
    def pipes(self) -> int:
        """Ends of pipes, of which a splicing tunnel has two."""
        return self.things[PIPES]


def environment(folder: Path) -> dict[str, str]:
    """The environment that a gate in this folder is started with, so that `held` sees inside."""
    return {"PYTHONPATH": str(_INSIDE), _FILE: str(folder / "inside.json")}


def settled(gate: Gate) -> Held:
    """What a gate holds once that has stopped changing, such as the last connections of the admin server."""
    last = held(gate)
    for _ in range(_MOST_LOOKS):
        time.sleep(_LOOK_SECONDS)
        now = held(gate)
        if (now.things, now.tasks, now.objects) == (last.things, last.tasks, last.objects):
            return now
        last = now
    return last


def held(gate: Gate) -> Held:
    """Look at a gate that was started with `environment`."""
    file = gate.folder / "inside.json"
    file.unlink(missing_ok=True)
    gate.send(signal.SIGUSR2)
    spin_until(file.exists)
    inside = msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, int]])
    return Held(open_things(gate.pid), Counter(inside["tasks"]), gate.resident_bytes(), Counter(inside["objects"]))
