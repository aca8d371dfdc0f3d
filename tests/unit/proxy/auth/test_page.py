"""docs/logins.md says what the code does: every outcome of a login, and every number."""

import re
from pathlib import Path

import pytest

from licensegate.proxy.auth import login_throttle, nonces, password_cache, password_hash, unanswered_challenges
from licensegate.proxy.tunnel import password_checks
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import LoginResult

PAGE = " ".join((Path(__file__).parents[4] / "docs/logins.md").read_text().split())


@pytest.mark.parametrize("outcome", [it for it in Outcome if it.stage is Stage.LOGIN], ids=lambda it: it.label)
def test_every_way_to_end_in_a_login_is_explained(outcome: Outcome) -> None:
    if outcome is not Outcome.CLIENT_LEFT_IN_LOGIN:  # it is no result of the login
        assert re.search(rf"\| `{outcome.label}` \|", PAGE)


@pytest.mark.parametrize("result", LoginResult)
def test_every_result_of_a_login_is_explained(result: LoginResult) -> None:
    assert f"`{result}`" in PAGE


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("last five minutes", nonces.NONCE_SECONDS / 60 - 5),
        ("for a minute, or until the file", password_cache.KEPT_SECONDS - 60),
        ("Three wrong logins of a source cost nothing", login_throttle.FREE_TRIES - 3),
        ("doubles the wait, up to 64 s", login_throttle.LONGEST_SECONDS - 64),
        ("after a quarter of an hour without one", login_throttle.FORGIVEN_SECONDS - 900),
        ("more than five seconds apart", unanswered_challenges.ANSWERED_WITHIN_SECONDS - 5),
        ("bcrypt at a cost of 10", password_hash.BCRYPT_COST - 10),
        ("A hash that takes 0.25 s or more causes a warning", password_hash.SLOW_SECONDS - 0.25),
        ("more than about 3 s", password_hash.LONGEST_CHECK_SECONDS - 3),
        ("at most 72 bytes long", password_hash.LONGEST_PASSWORD - 72),
        ("Passwords are checked in two separate threads", password_checks.THREADS - 2),
        ("At most 16 checks of one source wait at a time", password_checks.QUEUED_FOR_ONE - 16),
        ("take 20 s together", password_checks.QUEUED_SECONDS - 20),
        ("must agree within a minute", nonces.SKEW_SECONDS - 60),
    ],
)
def test_every_number_on_the_page_is_the_codes(words: str, number: float) -> None:
    assert words in PAGE
    assert number == 0
