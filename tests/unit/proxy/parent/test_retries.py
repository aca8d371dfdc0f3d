"""When a refused password is tried again."""

import pytest

from licensegate.proxy.parent.retries import PasswordRetries

MINUTE = 60.0


def wait_after(retries: PasswordRetries, now: float) -> float | None:
    """The minutes until a password refused now is due again; None if that never happens."""
    retries.refused(now)
    if retries.wait is None:
        assert not retries.is_due(now + 1e9)
        return None
    assert not retries.is_due(now + retries.wait - 1)
    assert retries.is_due(now + retries.wait)
    return retries.wait / MINUTE


def test_a_password_never_accepted_is_never_due() -> None:
    retries = PasswordRetries()

    assert [wait_after(retries, now) for now in (0, 1e6, 2e6)] == [None] * 3


def test_a_password_accepted_before_is_due_after_5_30_and_60_minutes() -> None:
    retries = PasswordRetries()
    retries.accepted()

    assert [wait_after(retries, now) for now in (0, 300, 2100, 5700, 1e6)] == [5, 30, 60, 60, 60]


def test_the_waits_start_again_once_it_is_accepted() -> None:
    retries = PasswordRetries()
    retries.accepted()
    assert [wait_after(retries, now) for now in (0, 300)] == [5, 30]

    retries.accepted()

    assert retries.wait is None
    assert [wait_after(retries, now) for now in (3000, 3300)] == [5, 30]


@pytest.mark.parametrize("accepted", [True, False])
def test_a_password_that_was_not_refused_is_not_due_again(accepted: bool) -> None:
    retries = PasswordRetries()
    if accepted:
        retries.accepted()

    assert retries.wait is None
    assert not retries.is_due(1e9)
