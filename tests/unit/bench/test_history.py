"""The history of ratios: what has worsened is named, against runs on the same kind of machine only."""

from pathlib import Path

import history
import pytest
from history import Entry

NAME = "cpu_per_tunnel of licensegate to squid"


def entry(ratio: float, machine: str = "a machine, 2 CPUs") -> Entry:
    return Entry("2026-11-30", "0123456789ab", machine, 9, {NAME: ratio})


@pytest.mark.parametrize(
    ("now", "before", "named"),
    [
        pytest.param(1.0, [], False, id="the first run"),
        pytest.param(1.09, [1.0, 1.0, 1.0], False, id="9 % worse"),
        pytest.param(1.12, [1.0, 1.0, 1.0], True, id="12 % worse"),
        pytest.param(1.12, [1.0, 1.1, 1.3], False, id="worse than one of three"),
        pytest.param(1.3, [1.0, 1.0, 1.0, 1.3, 1.3, 1.3], False, id="as the last three"),
        pytest.param(0.5, [1.0], False, id="better"),
    ],
)
def test_a_ratio_more_than_a_tenth_worse_is_named(now: float, before: list[float], named: bool) -> None:
    lines = list(history.worsened(entry(now), [entry(ratio) for ratio in before]))

    assert [NAME in line for line in lines] == [True] * named


def test_another_kind_of_machine_is_not_compared() -> None:
    assert list(history.worsened(entry(2.0), [entry(1.0, "another machine, 8 CPUs")])) == []


def test_entries_are_read_as_they_were_added(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    assert history.read(file) == []
    for ratio in (1.0, 1.1):
        history.add(entry(ratio), file)

    assert history.read(file) == [entry(1.0), entry(1.1)]
