"""Every kept input of every target: what a finding once broke holds, and the work grows with the length alone."""

from functools import partial
from pathlib import Path

import pytest

from fuzz import corpus
from fuzz.campaign import Findings, fuzz
from fuzz.target import FuzzTarget
from fuzz.targets import all_targets
from support.work import lines_executed

# Libraries warn with the input itself, and what is no text cannot be sent to the process that gathers the results.
pytestmark = pytest.mark.filterwarnings("ignore")

TARGETS = {target.name: target for _, target in all_targets()}
SAVED = [
    (target, data, f"{name}-{file}") for name, target in TARGETS.items() for file, data in corpus.saved(target).items()
]
LONGEST_SAVED = 16384
MOST_PIECES, MOST_BYTES = 100, 16000
"""How often a word is repeated to see how the work grows, and how long the input becomes."""


@pytest.mark.parametrize(("target", "data"), [row[:2] for row in SAVED], ids=[row[2] for row in SAVED])
def test_a_saved_input_breaks_nothing(target: FuzzTarget, data: bytes) -> None:
    target.check(data)
    assert len(data) <= LONGEST_SAVED


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_the_examples_of_a_target_are_read(target: FuzzTarget) -> None:
    outcomes = [target.outcome(seed) for seed in target.seeds]
    for seed in target.seeds:
        target.check(seed)
    assert not all(isinstance(outcome, target.refuses) for outcome in outcomes), "an example has to be valid"


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_twice_the_input_is_at_most_twice_the_work(target: FuzzTarget) -> None:
    target.outcome(target.seeds[0])  # loads what is loaded late
    for word in target.words:
        count = max(1, min(MOST_PIECES, MOST_BYTES // len(word)))
        once, twice = (lines_executed(partial(target.outcome, word * times)) for times in (count, 2 * count))
        assert twice <= 2.2 * once + 200, word


def test_every_saved_input_belongs_to_a_target() -> None:
    assert {folder.name for folder in corpus.SAVED.iterdir()} <= set(TARGETS)
    assert len(TARGETS) == len(list(all_targets()))


def test_a_finding_is_found_shortened_and_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        assert b"\0\0" not in data, "two NULs"

    monkeypatch.setattr(corpus, "SAVED", tmp_path / "saved")
    monkeypatch.setattr(corpus, "WORK", tmp_path / "work")
    monkeypatch.setattr("fuzz.campaign.is_guided", lambda: False)
    target = FuzzTarget(name="nulls", read=read, seeds=(b"a long example of a text",), words=(b"\0\0",))

    found = fuzz("", target, 20)

    assert isinstance(found, Findings)
    assert [corpus.saved(target)[file.name] for file in found.files] == [b"\0\0"]
    assert found.errors == ["AssertionError: two NULs"]
    assert corpus.inputs(target) == [*target.seeds, b"\0\0"]
