"""Signing in with the token: sessions, their end, and the limit on wrong tokens."""

import pytest

from licensegate.app.admin import sessions as module
from licensegate.app.admin.sessions import Session, Sessions, SignInRefusedError
from support.clock import Clock

TOKEN = "0123456789abcdef"
HERE = "10.1.2.3"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    made = Sessions(clock)
    made.adopt(TOKEN)
    return made


def refused(sessions: Sessions, given: str, source: str = HERE) -> int:
    """The seconds to wait after this refusal."""
    with pytest.raises(SignInRefusedError) as error:
        sessions.sign_in(given, source)
    return error.value.wait_seconds


def test_a_session_is_found_by_its_cookie_alone(sessions: Sessions) -> None:
    session = sessions.sign_in(f" {TOKEN}\n", HERE)

    assert sessions.find(session.cookie) is session
    for other in ("", session.form_token, session.cookie[:-1], session.cookie + "0", "\udcff"):
        assert sessions.find(other) is None


def test_each_session_has_secrets_of_its_own_that_no_repr_shows(sessions: Sessions) -> None:
    one, other = sessions.sign_in(TOKEN, HERE), sessions.sign_in(TOKEN, HERE)

    assert len({one.cookie, one.form_token, other.cookie, other.form_token}) == 4
    assert one.cookie not in repr(one)
    assert one.owns_form(one.form_token)
    assert not one.owns_form(other.form_token)
    assert not one.owns_form("")


@pytest.mark.parametrize("given", ["", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "\udcff", "é"])
def test_a_wrong_token_begins_no_session(sessions: Sessions, given: str) -> None:
    assert refused(sessions, given) == 0
    assert len(sessions) == 0


@pytest.mark.parametrize("given", ["", " ", "x"])
def test_without_a_token_nobody_signs_in(given: str) -> None:
    sessions = Sessions()

    assert not sessions.has_token
    assert refused(sessions, given) == 0


def test_too_many_wrong_tokens_make_their_address_wait(sessions: Sessions, clock: Clock) -> None:
    for _ in range(module.MOST_FAILURES):
        assert refused(sessions, "wrong") == 0
    clock.now += 100

    assert refused(sessions, TOKEN) == module.FAILURE_SECONDS - 100 + 1, "the right one, too"
    assert sessions.sign_in(TOKEN, "10.1.2.4")

    clock.now += module.FAILURE_SECONDS
    assert sessions.sign_in(TOKEN, HERE)


def test_addresses_of_one_ipv6_site_wait_together(sessions: Sessions) -> None:
    for number in range(module.MOST_FAILURES):
        refused(sessions, "wrong", f"2001:db8::{number}")

    assert refused(sessions, TOKEN, "2001:db8::ffff") > 0


def test_the_right_token_forgives_the_wrong_ones_before(sessions: Sessions) -> None:
    for _ in range(3):
        for _ in range(module.MOST_FAILURES - 1):
            refused(sessions, "wrong")
        assert sessions.sign_in(TOKEN, HERE)


def opened(sessions: Sessions) -> Session:
    return sessions.sign_in(TOKEN, HERE)


def test_a_session_ends_when_it_is_idle(sessions: Sessions, clock: Clock) -> None:
    session = opened(sessions)
    for _ in range(3):
        clock.now += module.IDLE_SECONDS - 1
        assert sessions.find(session.cookie)

    clock.now += module.IDLE_SECONDS
    assert sessions.find(session.cookie) is None
    assert len(sessions) == 0


def test_a_session_ends_after_a_working_day_even_if_used(sessions: Sessions, clock: Clock) -> None:
    session = opened(sessions)
    for _ in range(module.SESSION_SECONDS // 1800 - 1):
        clock.now += 1800
        assert sessions.find(session.cookie)

    clock.now += 1800
    assert sessions.find(session.cookie) is None


def test_signing_out_ends_one_session(sessions: Sessions) -> None:
    one, other = opened(sessions), opened(sessions)

    sessions.sign_out(one)

    assert sessions.find(one.cookie) is None
    assert sessions.find(other.cookie)


def test_another_token_ends_all_sessions_and_the_same_none(sessions: Sessions) -> None:
    session = opened(sessions)
    sessions.adopt(TOKEN)
    assert sessions.find(session.cookie)

    sessions.adopt("another-token-of-enough-length")

    assert sessions.find(session.cookie) is None
    assert refused(sessions, TOKEN) == 0


def test_the_oldest_session_gives_way(sessions: Sessions) -> None:
    first = opened(sessions)
    for _ in range(module.MOST_SESSIONS):
        opened(sessions)

    assert len(sessions) == module.MOST_SESSIONS
    assert sessions.find(first.cookie) is None
