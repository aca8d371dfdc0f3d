"""`make bench`: CPU per tunnel, compared with squid, tinyproxy and the floor in one run. See `docs/speed.md`.

All contenders are started first and then take turns (A B C A B C), so that other load on the machine affects all.
"""

import argparse
import contextlib
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import table
from contenders import CONTENDERS, TARGET_HOST, Contender, Instance, UnavailableError, free_port, running
from load import LoadError, Route
from trial import Amount, Trial

_OPTIONAL = ("tinyproxy-log", "proxy.py")  # slow, and not part of any goal
_SPARE_DESCRIPTORS = 256


def main() -> int:
    """Run the benchmark. Returns 0 if every contender that started was measured completely."""
    arguments = _arguments()
    amount = Amount(arguments.tunnels, arguments.concurrency, arguments.serial, arguments.idle, arguments.megabytes)
    _raise_descriptor_limit(amount)
    contenders = [one for one in CONTENDERS if one.name in (arguments.only or _usual(arguments.also))]
    bench = Bench(amount, arguments.rounds)
    bench.run(contenders)
    results = list(bench.results.values())
    print(f"{_machine()}; medians of {arguments.rounds} rounds of {amount.tunnels}, {amount.concurrency} at a time")
    if results:
        print("", table.cpu_table(results), "", table.other_table(results), "", sep="\n")
    for line in [*bench.remarks, *table.warnings(results)]:
        print(line)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.encode(results))
    return 0 if results and not bench.failed else 1


class Bench:
    """The results of the contenders, and remarks on those left out or failed."""

    def __init__(self, amount: Amount, rounds: int) -> None:
        self.results: dict[str, table.Result] = {}
        self._trials: dict[str, Trial] = {}
        self.remarks: list[str] = []
        self.failed = False
        self._amount = amount
        self._rounds = rounds

    def run(self, contenders: list[Contender]) -> None:
        """Start all contenders, measure memory, run the rounds in turn, stop all."""
        with contextlib.ExitStack() as started:
            folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            folder.chmod(0o755)  # squid drops root's rights and must reach its folder
            ports = started.enter_context(_origin(len(contenders)))
            for contender, port in zip(contenders, ports, strict=True):
                self._start(contender, folder / contender.name, port, started)
            for number in range(self._rounds):
                _progress(f"round {number + 1} of {self._rounds}")
                for name in list(self._trials):
                    self._round(name)

    def _start(self, contender: Contender, folder: Path, target_port: int, started: contextlib.ExitStack) -> None:
        _progress(f"starting {contender.name}")
        folder.mkdir()
        instance = Instance(folder, free_port(), target_port)
        try:
            process = started.enter_context(running(contender, instance))
            trial = Trial(process, Route(instance.port, TARGET_HOST, target_port), self._amount)
            self.results[contender.name] = table.Result(contender.name, contender.does, trial.memory(), [])
            self._trials[contender.name] = trial
        except UnavailableError as reason:
            self.remarks.append(f"left out: {contender.name}: {reason}")
        except LoadError as reason:
            self._fail(contender.name, reason)

    def _round(self, name: str) -> None:
        try:
            self.results[name].rounds.append(self._trials[name].round())
        except LoadError as reason:
            self._fail(name, reason)
            del self._trials[name], self.results[name]

    def _fail(self, name: str, reason: LoadError) -> None:
        self.failed = True
        self.remarks.append(f"failed: {name}: {reason}")


@contextlib.contextmanager
def _origin(ports: int) -> Iterator[list[int]]:
    """Run the origin with a port per contender, so that closed connections of one do not slow the dials of another."""
    command = [sys.executable, str(Path(__file__).with_name("origin.py")), str(ports)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield [int(port) for port in process.stdout.readline().split()]


def _usual(also: list[str]) -> list[str]:
    return [one.name for one in CONTENDERS if one.name not in _OPTIONAL or one.name in also]


def _machine() -> str:
    return f"Linux {platform.release()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def _raise_descriptor_limit(amount: Amount) -> None:
    """Raise the soft limit, which proxies inherit: an idle tunnel takes two descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * max(amount.idle, amount.concurrency) + _SPARE_DESCRIPTORS
    if wanted > hard:
        sys.exit(
            f"{amount.idle} idle tunnels need {wanted} open files, {hard} are allowed: raise ulimit -n or lower --idle"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    names = [one.name for one in CONTENDERS]
    parser = argparse.ArgumentParser(description="CPU per tunnel of licensegate beside squid, tinyproxy and the floor.")
    add = parser.add_argument
    add("--tunnels", type=_count(1, 100_000), default=2000, help="tunnels per contender and round (2000)")
    add("--concurrency", type=_count(1, 1000), default=50, help="tunnels open at a time (50)")
    add("--rounds", type=_count(1, 50), default=9, help="rounds, each contender once in each (9)")
    add("--serial", type=_count(2, 10_000), default=300, help="tunnels per round one after the other (300)")
    add("--idle", type=_count(1, 8000), default=2000, help="tunnels held open to measure the memory of one (2000)")
    add("--megabytes", type=_count(1, 2000), default=200, help="downloaded in 1 stream, and again in 10 (200)")
    add("--only", action="append", choices=names, help="measure only this one; may be repeated")
    add("--also", action="append", choices=_OPTIONAL, default=[], help="measure this one too")
    add("--json", type=Path, metavar="FILE", help="write every number of every round to FILE")
    return parser.parse_args()


def _count(low: int, high: int) -> Callable[[str], int]:
    """An argument type: a count from `low` to `high`."""

    def count(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not from {low} to {high}")
        return value

    return count


if __name__ == "__main__":
    sys.exit(main())
