"""Fuzzes one target for some seconds: replay, Hypothesis, then atheris where it is installed."""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from msgspec import Struct

from . import corpus
from .mutation import any_input
from .target import FuzzTarget

HYPOTHESIS_SHARE = 0.3
"""Of a target's time, where atheris has the rest."""

LONGEST_RUN = 5
"""Seconds of CPU time that one input may take: anything slower is a finding."""

STRETCHED_BYTES = 65536
"""Each word of a format is repeated to this length: work that grows with the square of it takes too long."""

_EXAMPLES = 300  # of Hypothesis, before the clock is looked at
_MOST_MEMORY_MB = 2048
_COVERAGE = re.compile(r"^#\d+\s+(?:INITED|NEW|REDUCE|pulse|DONE)\s+cov: (\d+) .*?corp: (\d+)/", re.MULTILINE)
_RUNS = re.compile(r"number_of_executed_units: (\d+)")


class Findings(Struct):
    """What fuzzing one target came to. `covered` and `new` count branches, None without atheris."""

    runs: int = 0
    covered: int | None = None
    new: int | None = None
    inputs: int = 0
    files: list[Path] = []
    errors: list[str] = []


class TooSlowError(Exception):
    """An input took longer than LONGEST_RUN."""


def is_guided() -> bool:
    """Whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(module: str, target: FuzzTarget, seconds: float) -> Findings:
    """Try the known inputs, then new ones for so many seconds. A finding ends it, and is saved."""
    found = Findings()
    known = corpus.inputs(target)
    until = time.monotonic() + seconds * (HYPOTHESIS_SHARE if is_guided() else 1)
    with warnings.catch_warnings(action="ignore"), time_limit():
        try:
            for data in known:
                _try(target, data, found)
            for word in target.words:
                _try(target, word * (STRETCHED_BYTES // len(word)), found, stretched=True)
            while time.monotonic() < until:
                _some_examples(target, known, found)
        except BaseExceptionGroup as group:
            _note(target, _last_input(group), group.exceptions[0], found)
        except Exception as error:
            _note(target, _last_input(error), error, found)
    if is_guided() and not found.files:
        _guided(module, target, max(1, round(seconds * (1 - HYPOTHESIS_SHARE))), found)
    found.inputs = len(corpus.inputs(target))
    return found


def _try(target: FuzzTarget, data: bytes, found: Findings, *, stretched: bool = False) -> None:
    """Check an input; of a `stretched` one only the time. Raises what is wrong, with the input in a note."""
    found.runs += 1
    signal.setitimer(signal.ITIMER_PROF, LONGEST_RUN)
    try:
        (target.outcome if stretched else target.check)(data)
    except Exception as error:
        error.add_note(data.hex())  # to find the input again, behind what Hypothesis wraps around it
        raise
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _some_examples(target: FuzzTarget, known: list[bytes], found: Findings) -> None:
    """Let Hypothesis try some inputs. Raises what the shortest failing one that it finds raises."""

    @settings(
        max_examples=_EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    @given(any_input(target, known))
    def one(data: bytes) -> None:
        _try(target, data, found)

    one()


def _last_input(error: BaseException) -> bytes:
    """The input in the notes of an error."""
    inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
    for note in getattr(inner, "__notes__", []):
        with contextlib.suppress(ValueError):
            return bytes.fromhex(note)
    raise inner


def _note(target: FuzzTarget, data: bytes, error: BaseException, found: Findings) -> None:
    """Save the shortest input that fails like this one."""
    with time_limit():
        data = data if isinstance(error, TooSlowError) else corpus.shortened(data, corpus.Fails(target, type(error)))
    found.files.append(corpus.save(target, data, corpus.FINDING))
    text = str(error).splitlines()
    found.errors.append(f"{type(error).__name__}: {text[0][:200] if text else ''}")


def _guided(module: str, target: FuzzTarget, seconds: int, found: Findings) -> None:
    """Let atheris try inputs, which it keeps in the corpus if they reach something new."""
    folder = corpus.lay_out(target)
    words, crashes = corpus.WORK / f"{target.name}.words", corpus.WORK / f"{target.name}.crash-"
    words.write_text(corpus.dictionary(word for word in target.words if len(word) <= 64))
    for old in corpus.WORK.glob(f"{crashes.name}*"):
        old.unlink()
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "fuzz.guided", module, target.name),
            *(
                f"-max_total_time={seconds}",
                f"-max_len={target.largest}",
                f"-dict={words}",
                f"-timeout={2 * LONGEST_RUN}",
            ),
            *(
                f"-rss_limit_mb={_MOST_MEMORY_MB}",
                f"-exact_artifact_path={crashes}",
                "-print_final_stats=1",
                str(folder),
            ),
        ],
        env=os.environ | {"PYTHONPATH": str(corpus.ROOT / "tests")},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    covered = [int(branches) for branches, _ in _COVERAGE.findall(done.stderr)]
    if not covered:
        raise RuntimeError(f"atheris did not begin:\n{done.stderr[-2000:]}")
    found.covered, found.new = covered[-1], covered[-1] - covered[0]
    found.runs += sum(map(int, _RUNS.findall(done.stderr)))
    if done.returncode:
        if not crashes.exists():
            raise RuntimeError(f"atheris ended with {done.returncode}:\n{done.stderr[-2000:]}")
        _note_crash(target, crashes, done.stderr, found)


def _note_crash(target: FuzzTarget, crash: Path, output: str, found: Findings) -> None:
    """Save the input at which atheris ended."""
    data = crash.read_bytes()
    try:
        with time_limit():
            _try(target, data, Findings())
    except Exception as error:
        _note(target, data, error, found)
        return
    found.files.append(corpus.save(target, data, corpus.FINDING))
    found.errors.append(output.strip().splitlines()[-1][:200])


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """Raise TooSlowError when the timer that `_try` sets runs out."""

    def too_slow(_signal: int, _frame: object) -> None:
        raise TooSlowError(f"an input took longer than {LONGEST_RUN} s")

    before = signal.signal(signal.SIGPROF, too_slow)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
