"""Starts the contenders and has them take turns, A B C, then B C A, so that whatever else the machine does hits all."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from channel import LoadError
from contenders import Contender
from credentials import certificate
from exchange import Exchange, record
from gates import TARGET_HOST
from peers import floor
from report import Report, Sample
from route import Route
from running import Instance, UnavailableError, free_port, running
from trial import Trial

Measure = Callable[[Trial], dict[str, float]]
_T = TypeVar("_T")


class Rounds:
    """Adds to a report what it measures. Contenders that cannot start or fail are left out, with a remark."""

    def __init__(self, report: Report, progress: Callable[[str], None]) -> None:
        self.failed = False
        self._report = report
        self._progress = progress
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            self._exchange = record(TARGET_HOST, *certificate(Path(folder)))
        self._out: set[str] = set()

    def side_by_side(self, contenders: Sequence[Contender], measures: Mapping[str, Sequence[Measure]]) -> None:
        """Start all contenders, and in each round measure one after the other. `measures` are those of each by name."""
        if not contenders:
            return
        with contextlib.ExitStack() as started:
            trials: dict[str, Trial] = {}
            for contender, folder, port in self._places(contenders, started):
                self._progress(f"starting {contender.name}")
                with self._guarded(contender.name):
                    trial = started.enter_context(self._trial(contender, folder, port))
                    trial.warm_up()
                    trials[contender.name] = trial
            for number in range(self._report.rounds):
                self._progress(f"round {number + 1} of {self._report.rounds}")
                for name in _rotated(list(trials), number):
                    for measure in measures[name]:
                        self._measure(name, number, trials[name], measure)

    def one_life_each(self, contenders: Sequence[Contender], rounds: int, measures: Sequence[Measure]) -> None:
        """In each round start one contender after the other, measure it from its start, and stop it."""
        for number in range(rounds):
            for contender in _rotated(contenders, number):
                if contender.name in self._out:
                    continue
                self._progress(f"life {number + 1} of {rounds}: {contender.name}")
                with contextlib.ExitStack() as started, self._guarded(contender.name):
                    ((_, folder, port),) = self._places([contender], started)
                    trial = started.enter_context(self._trial(contender, folder, port))
                    for measure in measures:
                        self._measure(contender.name, number, trial, measure)

    def _places(
        self, contenders: Sequence[Contender], started: contextlib.ExitStack
    ) -> Iterator[tuple[Contender, Path, int]]:
        """A folder and a port of the origin for each, so that closed connections of one do not slow another's dials."""
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        folder.chmod(0o755)  # squid drops root's rights and must reach its folder
        ports = started.enter_context(origin(len(contenders), folder, self._exchange))
        for contender, port in zip(contenders, ports, strict=True):
            place = folder / contender.name
            place.mkdir()
            yield contender, place, port

    @contextlib.contextmanager
    def _trial(self, contender: Contender, folder: Path, target_port: int) -> Iterator[Trial]:
        with contextlib.ExitStack() as stack:
            instance = Instance(folder, free_port(), target_port)
            if contender.has_parent:
                parent = Instance(folder, free_port(), target_port)
                stack.enter_context(running(floor(parent), parent))
                instance = Instance(folder, free_port(), target_port, parent.port)
            process = stack.enter_context(running(contender.command(instance), instance))
            self._report.contenders[contender.name] = contender.does
            said = self._exchange if contender.has_exchange else None
            route = Route(instance.port, TARGET_HOST, target_port, contender.manner, said)
            yield Trial(process, route, self._report.amount, with_ledger=contender.name.endswith("+ledger"))

    def _measure(self, name: str, number: int, trial: Trial, measure: Measure) -> None:
        if name in self._out:
            return
        with self._guarded(name):
            found = measure(trial)
            self._report.samples += [Sample(quantity, name, number, value) for quantity, value in found.items()]

    @contextlib.contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        """Leave this contender out from now on if it cannot start or fails."""
        try:
            yield
        except UnavailableError as reason:
            self._report.remarks.append(f"left out: {name}: {reason}")
            self._out.add(name)
        except (LoadError, OSError) as reason:
            self.failed = True
            self._report.remarks.append(f"failed: {name}: {reason}")
            self._out.add(name)


@contextlib.contextmanager
def origin(ports: int, folder: Path, said: Exchange) -> Iterator[list[int]]:
    """Run the origin on so many ports, with its part of this exchange in a file in the folder."""
    file = folder / "exchange"
    file.write_bytes(msgspec.msgpack.encode(said))
    command = [sys.executable, str(Path(__file__).with_name("origin.py")), str(ports), str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield [int(port) for port in process.stdout.readline().split()]


def _rotated(items: Sequence[_T], by: int) -> list[_T]:
    by %= max(1, len(items))
    return [*items[by:], *items[:by]]
