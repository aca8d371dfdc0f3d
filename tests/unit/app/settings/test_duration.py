"""Durations in settings."""

import pytest

from licensegate.app.settings.duration import read_every


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("off", None), ("10s", 10), ("90s", 90), ("5m", 300), ("1h", 3600), ("24h", 86400), ("1440m", 86400)],
)
def test_a_number_with_a_unit_is_converted_to_seconds(text: str, seconds: int | None) -> None:
    assert read_every(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "5M", "5min", "-5m", "+5m", "0.5h", "5m ", "\u0665m", "on", "OFF", "5d", "1h30m"]
)
def test_other_texts_are_not_intervals(text: str) -> None:
    with pytest.raises(ValueError, match='is not an interval; write "off", or'):
        read_every(text)


@pytest.mark.parametrize("text", ["0s", "9s", "0m", "86401s", "25h", "999999h"])
def test_interval_is_between_ten_seconds_and_a_day(text: str) -> None:
    with pytest.raises(ValueError, match="is not from 10 seconds to a day"):
        read_every(text)
