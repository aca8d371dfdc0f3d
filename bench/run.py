"""`make bench`: what a tunnel costs, compared with other proxies in one run. See `docs/speed.md`."""

import argparse
import resource
import sys
from collections.abc import Sequence

import arguments
import fleet
import history
import msgspec
import tables
from contenders import FEATURES, PLAIN, Contender, gate_of
from fleet_load import Day
from report import Report, new_report
from rounds import Measure, Rounds
from running import UnavailableError
from trial import Amount, Trial

_SPARE_DESCRIPTORS = 256


def main() -> int:
    """Run the benchmark. Returns 0 if every contender that started was measured completely."""
    asked = arguments.parse()
    _raise_descriptor_limit(asked.amount)
    report = new_report(asked.rounds, asked.amount, whole=asked.whole)
    succeeded = _measure(asked, report)
    _print(report)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_bytes(msgspec.json.encode(report))
    entry = history.entry_of(report)
    for line in history.worsened(entry, history.read()):
        print(line)
    if asked.record and succeeded:
        history.add(entry)
    return 0 if succeeded else 1


def _measure(asked: argparse.Namespace, report: Report) -> bool:
    """Measure what was asked for. Returns whether nothing failed."""
    rounds = Rounds(report, _progress)
    wanted = [one for one in (*PLAIN, *FEATURES) if one.name in (asked.only or _usual(asked.also))]
    if asked.before:
        wanted.insert(1, gate_of(asked.before))
    together = {one.name: _measures(one, asked.measure) for one in wanted}
    rounds.side_by_side([one for one in wanted if together[one.name]], together)
    lives = [measure for name, measure in _LIVES.items() if name in asked.measure]
    if lives:
        rounds.one_life_each([one for one in wanted if not one.plain], (asked.rounds + 1) // 2, lives)
    if "fleet" in asked.measure and not asked.only:
        _progress(f"the day of {asked.instances} products in {asked.seconds} s")
        try:
            report.fleet = fleet.run(Day(asked.instances, asked.sites, asked.calls, asked.seconds), asked.ledger)
        except UnavailableError as reason:
            report.remarks.append(f"left out: fleet: {reason}")
    measured = bool(report.samples) or report.fleet is not None
    return measured and not rounds.failed and (report.fleet is None or not report.fleet.lost)


_TOGETHER: dict[str, Measure] = {"tunnels": Trial.tunnels, "serial": Trial.serial, "streams": Trial.streams}
_LIVES: dict[str, Measure] = {"start": Trial.start, "crowd": Trial.crowd}


def _measures(contender: Contender, names: Sequence[str]) -> list[Measure]:
    """What is measured of a contender beside others. A feature needs the CPU per tunnel of it and of the plain one."""
    if contender.plain:
        return [Trial.tunnels] if "features" in names else []
    return [
        measure for name, measure in _TOGETHER.items() if name in names or (name == "tunnels" and "features" in names)
    ]


def _print(report: Report) -> None:
    print(f"{report.date}, {report.version}, commit {report.commit}\n{report.machine}, {report.system}")
    if report.samples:
        print(f"Medians of {report.rounds} rounds; ratios are taken within each, their quartiles are in brackets.")
    for table in tables.tables(report):
        print(f"\n{table.as_text()}")
    print()
    for line in (*report.remarks, *tables.noise(report)):
        print(line)


def _usual(also: Sequence[str]) -> list[str]:
    return [one.name for one in (*PLAIN, *FEATURES) if not one.optional or one.name in also]


def _raise_descriptor_limit(amount: Amount) -> None:
    """Raise the soft limit, which proxies inherit: an idle tunnel takes two descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(*amount.crowds, amount.concurrency)
    wanted = 2 * most + _SPARE_DESCRIPTORS
    if wanted > hard:
        sys.exit(f"{most} open tunnels need {wanted} open files, {hard} are allowed: raise ulimit -n or lower --crowds")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _progress(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
