"""`make soak`: soaks a gate for a while and prints what came of it. Any difference makes the exit status 1."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from .soaking import Soaked, soak

ROUND_SECONDS = 15


def main() -> int:
    """Soak. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make soak", description="Soak a gate: every kind of client, every door.")
    parser.add_argument("--seconds", type=float, default=120, help="how long (default: %(default)s)")
    arguments = parser.parse_args()
    rounds = max(2, round(arguments.seconds / ROUND_SECONDS) - 1)
    with tempfile.TemporaryDirectory(prefix="licensegate-soak-") as folder:
        soaked = asyncio.run(soak(Path(folder), arguments.seconds, rounds))
    _print(soaked)
    return 1 if soaked.differences else 0


def _print(soaked: Soaked) -> None:
    print(f"{'client':<18}{'connections':>12}{'bytes sent':>16}{'received':>16}")
    for name, did in soaked.behaved.items():
        print(f"{name:<18}{did.connections:>12}{did.sent:>16}{did.received:>16}")
    carried = f"{soaked.bytes / 1e9:.2f} GB"
    connections = sum(did.connections for did in soaked.behaved.values())
    print(f"\n{connections} connections, {soaked.records} records, {carried}, {soaked.reloads} reloads\n")
    print(f"{'after each round':<20}{'descriptors':>12}{'pipes':>7}{'threads':>9}{'tasks':>7}{'memory':>11}")
    for name, looks in soaked.held.items():
        for look in looks:
            memory = f"{look.memory / 1e6:.1f} MB"
            tasks = look.tasks.total()
            print(f"{name:<20}{look.descriptors:>12}{look.pipes:>7}{look.threads:>9}{tasks:>7}{memory:>11}")
    print("\nEvery book agrees." if not soaked.differences else "\nThese disagree:")
    for difference in soaked.differences:
        print(f"  {difference}")


if __name__ == "__main__":
    sys.exit(main())
