"""When products are asked."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from licensegate.products.schedule import AskSchedule
from licensegate.products.settings import LEAST_SECONDS

HOUR = 3600.0


def test_the_first_question_waits_between_one_and_ten_minutes() -> None:
    assert AskSchedule(6 * HOUR, 1000, lambda: 0.0).due == 1060
    assert AskSchedule(6 * HOUR, 1000, lambda: 1.0).due == 1600


def test_an_answer_is_asked_for_again_after_the_interval() -> None:
    schedule = AskSchedule(6 * HOUR, 0, lambda: 0.0)

    schedule.answered(100)

    assert schedule.due == 100 + 6 * HOUR


def test_failures_in_a_row_double_the_wait_up_to_a_day() -> None:
    schedule = AskSchedule(6 * HOUR, 0, lambda: 0.0)
    waits = []
    for _ in range(4):
        schedule.failed(0)
        waits.append(schedule.due / HOUR)

    assert waits == [6, 12, 24, 24]


def test_an_answer_ends_the_doubling() -> None:
    schedule = AskSchedule(6 * HOUR, 0, lambda: 0.0)
    schedule.failed(0)
    schedule.failed(0)

    schedule.answered(0)

    assert schedule.due == 6 * HOUR


def test_a_product_is_left_alone_as_long_as_it_asks() -> None:
    schedule = AskSchedule(6 * HOUR, 0, lambda: 0.0)

    schedule.failed(0, timedelta(days=2))

    assert schedule.due == 48 * HOUR


def test_a_short_wait_does_not_shorten_the_interval() -> None:
    schedule = AskSchedule(6 * HOUR, 0, lambda: 0.0)

    schedule.failed(0, timedelta(seconds=5))

    assert schedule.due == 6 * HOUR


@given(
    st.lists(st.sampled_from(["answered", "failed", "throttled"]), max_size=30),
    st.floats(0, 1),
    st.integers(LEAST_SECONDS, 86400),
)
def test_no_two_questions_are_closer_than_the_interval(events: list[str], chance: float, every: int) -> None:
    schedule = AskSchedule(every, 0, lambda: round(chance))
    for event in events:
        asked = schedule.due
        if event == "answered":
            schedule.answered(asked)
        else:
            schedule.failed(asked, timedelta(minutes=1) if event == "throttled" else None)
        assert every <= schedule.due - asked <= 86400 * 1.1
