"""`make fuzz`: fuzzes every target, or one, for a bounded time, and prints a row for each.

A finding is saved with the tests, and makes the exit status 1.
"""

import argparse
import sys

from . import corpus
from .campaign import Findings, fuzz, is_guided
from .targets import all_targets

UNGUIDED = """
*** atheris is not installed for this Python and machine: the inputs are made by Hypothesis alone, which does not see
*** what they reach. See docs/dependencies.md.
"""


def main() -> int:
    """Fuzz. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Fuzz the parsers of bytes from outside.")
    parser.add_argument("--seconds", type=float, default=120, help="for all targets together (default: %(default)s)")
    parser.add_argument("--target", default="", help="one target, by its name")
    parser.add_argument("--save", action="store_true", help="keep inputs that reach new lines in tests/data/corpus")
    arguments = parser.parse_args()
    targets = [(module, each) for module, each in all_targets() if arguments.target in ("", each.name)]
    if not targets:
        parser.error(f"no target {arguments.target!r}; there are {', '.join(each.name for _, each in all_targets())}")
    if not is_guided():
        print(UNGUIDED, file=sys.stderr)
    print(f"{'target':<20}{'runs':>10}{'branches':>10}{'new':>6}{'corpus':>8}  findings", flush=True)
    status = 0
    for module, target in targets:
        found = fuzz(module, target, arguments.seconds / len(targets))
        print(_row(target.name, found), flush=True)
        for file, error in zip(found.files, found.errors, strict=True):
            status = 1
            print(f"  {error}\n  .venv/bin/pytest tests/fuzz -k '{target.name} and {file.name}'", flush=True)
        if arguments.save:
            print(f"  {corpus.save_new_ground(target)} inputs saved", flush=True)
    return status


def _row(name: str, found: Findings) -> str:
    covered, new = ("-" if number is None else number for number in (found.covered, found.new))
    return f"{name:<20}{found.runs:>10}{covered:>10}{new:>6}{found.inputs:>8}  {len(found.files)}"


if __name__ == "__main__":
    sys.exit(main())
