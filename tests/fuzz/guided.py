"""One run of atheris over one target, in a process of its own: libFuzzer ends the process.

`python -P -m fuzz.guided MODULE TARGET ARGUMENTS…`, the arguments as libFuzzer has them.
"""

import sys
import warnings

import atheris


def main() -> None:
    """Fuzz until libFuzzer ends."""
    module, name, *arguments = sys.argv[1:]
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=["licensegate"], enable_loader_override=False):
        from fuzz.targets import targets_of

        target = next(target for target in targets_of(module) if target.name == name)
        for seed in target.seeds:  # loads what is loaded late
            target.outcome(seed)
    atheris.Setup([sys.argv[0], *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
