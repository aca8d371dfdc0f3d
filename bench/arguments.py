"""The command line of `make bench`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from contenders import FEATURES, PLAIN
from trial import Amount

MEASURES = {
    "tunnels": "CPU per tunnel, many at a time",
    "serial": "latency and CPU, one tunnel at a time",
    "streams": "CPU per GB over 1, 5 and 10 streams",
    "features": "CPU per tunnel with an exchange, logins, TLS, a parent, the ledger, a second instance",
    "start": "CPU from the start to the first tunnel, memory at rest",
    "crowd": "newcomers' CPU and p99, and memory, while 10 to 4,000 tunnels are open",
    "fleet": "the day of a fleet through HAProxy and two gates",
}
JSON = Path("build/bench.json")

_WHOLE = Amount(tunnels=2000, concurrency=50, serial=300, megabytes=200, newcomers=300, crowds=(10, 100, 1000, 4000))
_SHORT = Amount(tunnels=500, concurrency=50, serial=100, megabytes=50, newcomers=100, crowds=(10, 100, 1000))
_ROUNDS, _SHORT_ROUNDS = 7, 3
_INSTANCES, _SHORT_INSTANCES = 100_000, 5_000
_SECONDS, _SHORT_SECONDS = 60, 5
_IN_WORDS = {
    "exchange": "a whole licensing exchange in each tunnel",
    "basic": "logins by Basic",
    "digest": "logins by Digest",
    "tls": "TLS between client and proxy",
    "parent": "a parent proxy",
    "ledger": "the ledger on disk",
    "pair": "a second instance on the same socket",
}
_EPILOG = f"""\
measures:
{chr(10).join(f"  {name:9} {does}" for name, does in MEASURES.items())}

contenders:
{chr(10).join(f"  {one.name:20} {one.does}{' (with --also)' * one.optional}" for one in PLAIN)}
{chr(10).join(f"  {one.name:20} with {_IN_WORDS[one.does]}" for one in FEATURES)}

A whole run takes about ten minutes and wants a quiet machine; --short takes about one. Contenders that are not
installed are left out, and named. The exit status is 1 if one that started has failed.
"""


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line. `amount` is the Amount; unset numbers are those of the whole or the short form.

    `whole` tells whether everything is measured.
    """
    parser = argparse.ArgumentParser(
        prog="make bench ARGS='...'",
        description="The gate's cost beside squid, tinyproxy, HAProxy and a bare relay, in one run (docs/speed.md).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [one.name for one in (*PLAIN, *FEATURES)]
    what = parser.add_argument_group("what to measure")
    what.add_argument("--short", action="store_true", help="smaller amounts: the second number in brackets")
    what.add_argument("--measure", action="append", choices=MEASURES, metavar="NAME", help="only this one; repeatable")
    what.add_argument("--only", action="append", choices=names, metavar="NAME", help="only this contender; repeatable")
    what.add_argument(
        "--also", action="append", choices=names, default=[], metavar="NAME", help="this contender too; repeatable"
    )
    what.add_argument(
        "--before", type=Path, metavar="DIR", help="the gate of this checkout too, which has a .venv of its own"
    )
    amounts = parser.add_argument_group("how much")
    add = amounts.add_argument
    add("--rounds", type=_count(1, 50), metavar="N", help=f"rounds ({_ROUNDS}; {_SHORT_ROUNDS})")
    for field, (low, high, text) in _AMOUNTS.items():
        whole, short = getattr(_WHOLE, field), getattr(_SHORT, field)
        add(f"--{field}", type=_count(low, high), metavar="N", help=f"{text} ({whole}; {short})")
    add("--crowds", type=_counts, metavar="N,N", help="numbers of open tunnels (10,100,1000,4000; without 4000)")
    fleet = parser.add_argument_group("the fleet")
    add = fleet.add_argument
    add("--instances", type=_count(100, 1_000_000), metavar="N", help=f"products ({_INSTANCES}; {_SHORT_INSTANCES})")
    add("--sites", type=_count(1, 5000), default=250, metavar="N", help="addresses that they come from (250)")
    add("--calls", type=_count(1, 100), default=3, metavar="N", help="tunnels of each in a day (3)")
    add("--seconds", type=_count(1, 3600), metavar="N", help=f"the day's new length ({_SECONDS}; {_SHORT_SECONDS})")
    add("--ledger", default="", metavar="URL", help="an empty PostgreSQL database; without it a server is started")
    output = parser.add_argument_group("what to write")
    output.add_argument("--json", type=Path, default=JSON, metavar="FILE", help=f"every number of every round ({JSON})")
    output.add_argument("--record", action="store_true", help="add the ratios to bench/history.jsonl")
    arguments = parser.parse_args(words)
    arguments.whole = not (arguments.short or arguments.measure or arguments.only or arguments.before)
    _fill_in(arguments)
    if arguments.record and not arguments.whole:
        parser.error("--record is for whole runs, so without --short, --measure, --only and --before")
    return arguments


_AMOUNTS = {
    "tunnels": (1, 100_000, "tunnels per contender and round"),
    "concurrency": (1, 1000, "tunnels opened at a time"),
    "serial": (2, 10_000, "tunnels per round one after the other"),
    "megabytes": (1, 2000, "MB downloaded per number of streams"),
    "newcomers": (2, 10_000, "tunnels per number of open ones"),
}


def _fill_in(arguments: argparse.Namespace) -> None:
    form = _SHORT if arguments.short else _WHOLE
    given = {field: getattr(arguments, field) or getattr(form, field) for field in (*_AMOUNTS, "crowds")}
    arguments.amount = Amount(**given)
    arguments.rounds = arguments.rounds or (_SHORT_ROUNDS if arguments.short else _ROUNDS)
    arguments.instances = arguments.instances or (_SHORT_INSTANCES if arguments.short else _INSTANCES)
    arguments.seconds = arguments.seconds or (_SHORT_SECONDS if arguments.short else _SECONDS)
    arguments.measure = arguments.measure or list(MEASURES)


def _count(low: int, high: int) -> Callable[[str], int]:
    """An argument type: a count from `low` to `high`."""

    def count(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not from {low} to {high}")
        return value

    return count


def _counts(text: str) -> tuple[int, ...]:
    """An argument type: rising counts of open tunnels."""
    counts = tuple(map(_count(1, 8000), text.split(",")))
    if list(counts) != sorted(set(counts)):
        raise argparse.ArgumentTypeError(f"{text} does not rise")
    return counts
