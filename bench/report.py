"""What a benchmark found: every number of every round, with what it was measured on. Written and read as JSON."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from msgspec import Struct
from trial import Amount

_ROOT = Path(__file__).resolve().parents[1]


class Sample(Struct, frozen=True):
    """One number: a quantity of a contender in one round."""

    quantity: str
    contender: str
    round: int
    value: float


class Spread(Struct, frozen=True):
    """The median of several rounds, and their quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else (*values, 0.0, *values)
        return cls(median(values), low, high)


class FleetRun(Struct, frozen=True):
    """The day of a fleet in `scheduled_seconds`, through HAProxy and two gates with one ledger in PostgreSQL.

    `instances` products at `sites` addresses, `calls_per_day` tunnels each. Times are in seconds; `latest` is the most
    that a tunnel was opened after it was due. `by_gate` and `in_ledger` are tunnels that the gates and the ledger
    have counted; `sites_agree` tells whether the ledger has for each site what the client opened from there. Those
    that were answered are `answered_in_ledger`.
    """

    instances: int
    sites: int
    calls_per_day: int
    scheduled_seconds: float
    tunnels: int
    served: int
    lost: int
    reasons: list[str]
    took_seconds: float
    p50: float
    p99: float
    latest: float
    gate_cpu: list[float]
    haproxy_cpu: float
    by_gate: list[int]
    in_ledger: int
    answered_in_ledger: int
    sites_agree: bool


class Report(Struct):
    """A run of the benchmark, `whole` or a part. `contenders` says what each of them does, by its name."""

    date: str
    commit: str
    version: str
    machine: str
    system: str
    whole: bool
    rounds: int
    amount: Amount
    contenders: dict[str, str]
    samples: list[Sample] = []
    remarks: list[str] = []
    fleet: FleetRun | None = None

    def has(self, quantity: str, contender: str) -> bool:
        """Whether there is a number of it."""
        return any(one.quantity == quantity and one.contender == contender for one in self.samples)

    def values(self, quantity: str, contender: str) -> dict[int, float]:
        """The numbers by round."""
        return {one.round: one.value for one in self.samples if one.quantity == quantity and one.contender == contender}

    def spread(self, quantity: str, contender: str) -> Spread:
        """The spread over all rounds."""
        return Spread.of(list(self.values(quantity, contender).values()))

    def ratio(self, quantity: str, contender: str, peer: str) -> Spread | None:
        """The spread of the ratios to a peer, each within one round, so that slow drift cancels out."""
        ours, theirs = self.values(quantity, contender), self.values(quantity, peer)
        ratios = [value / theirs[number] for number, value in ours.items() if theirs.get(number)]
        return Spread.of(ratios) if ratios else None


def new_report(rounds: int, amount: Amount, *, whole: bool) -> Report:
    """A report without numbers."""
    program = Path(sys.executable).with_name("licensegate")
    return Report(
        date=datetime.now(UTC).date().isoformat(),
        commit=_output("git", "-C", str(_ROOT), "rev-parse", "--short=12", "HEAD"),
        version=_output(str(program), "version"),
        machine=f"{_processor()}, {os.cpu_count()} CPUs",
        system=f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()} ({_interpreter()})",
        whole=whole,
        rounds=rounds,
        amount=amount,
        contenders={},
    )


def _interpreter() -> str:
    """Where the interpreter is from: one built without profile-guided optimisation costs the gate 6 to 15 %."""
    return "the distribution's" if sys.base_prefix == "/usr" else "not the distribution's"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
