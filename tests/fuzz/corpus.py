"""The inputs of a target: its own examples, those saved with the tests, and those of earlier runs on this machine.

Saved are findings (`finding-…`), each a test from then on, and inputs that reach lines which the examples do not.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import licensegate.records

from .target import FuzzTarget

ROOT = Path(__file__).resolve().parents[2]
SAVED = ROOT / "tests" / "data" / "corpus"
WORK = ROOT / "build" / "fuzz"
"""The corpus that grows while fuzzing; not part of the repository."""

FINDING = "finding-"
_OURS = str(Path(licensegate.records.__path__[0]).parent)

Reached = frozenset[tuple[str, int, int]]
"""Steps from one line to the next, by file: what an input reached."""


def saved(target: FuzzTarget) -> dict[str, bytes]:
    """The target's saved inputs by the names of their files."""
    return {file.name: file.read_bytes() for file in sorted((SAVED / target.name).glob("*"))}


def inputs(target: FuzzTarget) -> list[bytes]:
    """Every input that a run begins with."""
    grown = [file.read_bytes() for file in sorted((WORK / target.name).glob("*"))]
    return list(dict.fromkeys([*target.seeds, *saved(target).values(), *grown]))


def save(target: FuzzTarget, data: bytes, kind: str = "") -> Path:
    """Write an input to the saved ones. Returns its file."""
    folder = SAVED / target.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{kind}{_name(data)}"
    file.write_bytes(data)
    return file


def lay_out(target: FuzzTarget) -> Path:
    """Write every input to the folder that a guided run reads and adds to. Returns it."""
    folder = WORK / target.name
    known = inputs(target)
    folder.mkdir(parents=True, exist_ok=True)
    for data in known:
        (folder / _name(data)).write_bytes(data)
    return folder


def save_new_ground(target: FuzzTarget) -> int:
    """Save the shortest inputs that reach what the examples and the saved inputs do not. Returns how many."""
    ground: set[tuple[str, int, int]] = set()
    for data in (*target.seeds, *saved(target).values()):
        ground |= reached(target, data)
    count = 0
    for data in sorted(inputs(target), key=len):
        new = reached(target, data) - ground
        if new:
            save(target, data)
            ground |= new
            count += 1
    return count


def reached(target: FuzzTarget, data: bytes) -> Reached:
    """What of our own code an input reaches."""
    steps: set[tuple[str, int, int]] = set()
    last: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(_OURS):
            return None
        if event == "line":
            steps.add((file, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        target.outcome(data)
    finally:
        sys.settrace(before)
    return frozenset(steps)


def shortened(data: bytes, fails: "Fails") -> bytes:
    """A short input that still fails: pieces are left out, halves first, as long as it does."""
    size = len(data) // 2
    while size:
        start = 0
        while start < len(data):
            shorter = data[:start] + data[start + size :]
            if fails(shorter):
                data = shorter
            else:
                start += size
        size //= 2
    return data


class Fails:
    """Whether a target fails on some bytes in the same way: with an error of the same kind."""

    def __init__(self, target: FuzzTarget, kind: type[BaseException]) -> None:
        self._target = target
        self._kind = kind

    def __call__(self, data: bytes) -> bool:
        try:
            self._target.check(data)
        except self._kind as error:
            return type(error) is self._kind
        except Exception:
            return False
        return False


def dictionary(words: Iterable[bytes]) -> str:
    """The words of a format as libFuzzer reads them."""
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words)


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
