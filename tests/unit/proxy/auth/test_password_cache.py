"""A Basic login found right is not checked again for a short time."""

import pytest

from licensegate.proxy.auth.password_cache import KEPT_SECONDS, PasswordCache
from licensegate.records.secret import Secret
from support.clock import Clock

PASSWORD, STORED = Secret(b"secret"), Secret(b"$2y$...")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_login_is_held_for_its_time(clock: Clock) -> None:
    verified = PasswordCache(clock)
    mark = verified.hash_of("cucm", PASSWORD, STORED)
    assert not verified.holds(mark)

    verified.add(mark)

    assert verified.holds(verified.hash_of("cucm", Secret(b"secret"), STORED))
    clock.now += KEPT_SECONDS
    assert not verified.holds(mark)


@pytest.mark.parametrize(
    ("user", "password", "stored"),
    [
        ("cucm2", PASSWORD, STORED),
        ("cucm", Secret(b"other"), STORED),
        ("cucm", PASSWORD, Secret(b"$2y$another")),
        ("cucms", Secret(b"ecret"), STORED),
    ],
    ids=["another user", "another password", "another hash in the file", "the same letters cut elsewhere"],
)
def test_the_same_login_with_another_user_password_or_hash_is_not_held(
    clock: Clock, user: str, password: Secret, stored: Secret
) -> None:
    verified = PasswordCache(clock)
    verified.add(verified.hash_of("cucm", PASSWORD, STORED))

    assert not verified.holds(verified.hash_of(user, password, stored))


def test_a_mark_means_nothing_to_another_process_and_shows_nothing(clock: Clock) -> None:
    one, two = PasswordCache(clock), PasswordCache(clock)

    assert one.hash_of("cucm", PASSWORD, STORED) != two.hash_of("cucm", PASSWORD, STORED)
    assert b"secret" not in one.hash_of("cucm", PASSWORD, STORED)


def test_no_more_logins_are_held_than_fit(clock: Clock) -> None:
    verified = PasswordCache(clock, remembered=4)
    marks = [verified.hash_of(f"user-{number}", PASSWORD, STORED) for number in range(20)]
    for mark in marks:
        verified.add(mark)
    verified.add(marks[-1])

    assert len(verified) == 4
    assert [verified.holds(mark) for mark in marks] == [False] * 16 + [True] * 4
