"""Times, durations and sizes in words."""

from datetime import UTC, datetime, timedelta

import pytest

from licensegate.app.admin.moments import from_now, lasting, size
from licensegate.language.language import ENGLISH, JAPANESE, Language

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "language", "words"),
    [
        (-30, ENGLISH, "just now"),
        (30, ENGLISH, "just now"),
        (-60, ENGLISH, "1 minute ago"),
        (3599, ENGLISH, "in 59 minutes"),
        (-3600, ENGLISH, "1 hour ago"),
        (47 * 3600, ENGLISH, "in 47 hours"),
        (-48 * 3600, ENGLISH, "2 days ago"),
        (90 * 86400, ENGLISH, "in 90 days"),
        (-5 * 86400, JAPANESE, "5日前"),
        (3600, JAPANESE, "1時間後"),
    ],
)
def test_a_distance_is_told_in_whole_units(seconds: int, language: Language, words: str) -> None:
    assert from_now(language, NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (172800, "2 d")]
)
def test_a_duration_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    assert lasting(ENGLISH, seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9999, "10 kB"),
        (999_499, "999 kB"),
        (999_999, "1.0 MB"),
        (88_000_000, "88 MB"),
        (10**18, "1000 PB"),
    ],
)
def test_a_size_has_two_or_three_figures(count: int, words: str) -> None:
    assert size(count) == words
