"""Guesses: what they cost, what slows them down, and that no bytes admit a stranger."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.auth.login_throttle import FREE_TRIES
from licensegate.proxy.auth.password_cache import KEPT_SECONDS
from licensegate.proxy.auth.password_hash import PasswordHash, read_hash
from licensegate.proxy.auth.result import Admitted, CheckNeeded, Rejected
from licensegate.proxy.auth.scheme import Scheme
from licensegate.proxy.auth.users import Users
from licensegate.records.record import LoginResult
from support.authenticator_setup import ELSEWHERE, EVERY_SCHEME, HA1, STORED, Setup, rejection
from support.logins import PASSWORD, USER, basic, digest, htpasswd_line


def test_the_answer_does_not_reveal_whether_a_user_is_known() -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]

    for one, two in ((basic(password="x"), basic("x")), (digest(asked, password="x"), digest(asked, "x"))):
        known, unknown = rejection(setup.authenticate(one)), rejection(setup.authenticate(two))
        assert known.detail == unknown.detail == ""
        assert len(known.challenges) == len(unknown.challenges)


# Passwords that were checked


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of hashes that were computed."""
    kinds: list[str] = []
    fits = PasswordHash.fits

    def counting(self: PasswordHash, password: bytes) -> bool:
        kinds.append(self.kind)
        return fits(self, password)

    monkeypatch.setattr(PasswordHash, "fits", counting)
    return kinds


def test_a_right_login_is_cached_for_a_while(counted: list[str]) -> None:
    setup = Setup()

    for _ in range(5):
        assert isinstance(setup.authenticate(basic()), Admitted)
    assert len(counted) == 1
    setup.clock.now += KEPT_SECONDS
    setup.authenticate(basic())
    assert len(counted) == 2


def test_a_password_changed_in_the_file_is_checked_at_once(counted: list[str]) -> None:
    setup = Setup()
    setup.authenticate(basic())
    users = Users({USER: read_hash(htpasswd_line(password="new").rstrip().partition(":")[2])}, {})
    changed = Setup(users=users, state=setup.state)

    assert rejection(changed.authenticate(basic())).result is LoginResult.WRONG_PASSWORD
    assert len(counted) == 2


def test_known_and_unknown_users_cost_one_hash_of_the_same_kind(counted: list[str]) -> None:
    setup = Setup()
    setup.authenticate(basic())
    counted.clear()

    for user in (USER, "nobody", USER, "nobody"):
        setup.authenticate(basic(user, "wrong"))
        setup.clock.now += 100

    assert counted == [STORED.kind] * 4


# Limits


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_source_waits_after_some_failures_and_may_then_try_again(scheme: str, counted: list[str]) -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]

    def login(password: str) -> str:
        return basic(password=password) if scheme == "basic" else digest(asked, password=password)

    for number in range(FREE_TRIES + 1):
        assert rejection(setup.authenticate(login(f"guess {number}"))).result is LoginResult.WRONG_PASSWORD
    counted.clear()
    limited = rejection(setup.authenticate(login(PASSWORD)))
    assert (limited.result, limited.challenges) == (LoginResult.LIMITED, ())
    assert limited.detail == "the next one is checked in 1 s"
    assert not counted, "nothing was worked out"
    assert isinstance(setup.authenticate(login(PASSWORD), client=ELSEWHERE), Admitted | Rejected)
    assert rejection(setup.authenticate()).result is LoginResult.MISSING, "a client without a login is asked"

    setup.clock.now += 1
    assert isinstance(setup.authenticate(login(PASSWORD)), Admitted)


def test_parallel_guesses_gain_nothing_over_guesses_in_turn() -> None:
    setup = Setup()
    requests = [setup.request(basic(password=f"guess {number}")) for number in range(9)]
    requests.append(setup.request(basic()))
    waiting = [(request, setup.authenticator.authenticate(request)) for request in requests]

    answers = []
    for request, result in waiting:
        assert isinstance(result, CheckNeeded)
        right = result.check.is_right()
        answers.append(rejection(setup.authenticator.password_checked(request, result.check, right=right)))

    results = [answer.result for answer in answers]
    assert results == [LoginResult.WRONG_PASSWORD] * (FREE_TRIES + 1) + [LoginResult.LIMITED] * 6
    assert (answers[-1].scheme, answers[-1].user) == (Scheme.BASIC, USER)
    setup.clock.now += 1
    assert isinstance(setup.authenticate(basic()), Admitted)


def test_an_unusable_login_does_not_count_as_a_guess() -> None:
    setup = Setup()

    for _ in range(20):
        setup.authenticate("Basic !")
        setup.authenticate("NTLM x")

    assert isinstance(setup.authenticate(basic()), Admitted)


# Unanswered challenges


@pytest.mark.parametrize(
    ("schemes", "words"),
    [(EVERY_SCHEME, "Digest was offered"), (frozenset({Scheme.BASIC}), "only Basic was offered, which Java")],
    ids=["an old CUCM", "Java refusing Basic"],
)
def test_unanswered_challenges_differ_from_wrong_passwords(schemes: frozenset[Scheme], words: str) -> None:
    setup = Setup(schemes=schemes)

    first = rejection(setup.authenticate())
    setup.clock.now += 900
    second = rejection(setup.authenticate())
    setup.clock.now += 900
    third = rejection(setup.authenticate())

    assert [each.unanswered for each in (first, second, third)] == [0, 1, 2]
    assert first.detail == ""
    assert words in third.detail
    setup.authenticate(basic(password="wrong"))
    setup.clock.now += 900
    assert rejection(setup.authenticate()).unanswered == 0


# Random headers


@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([basic().encode(), b"Basic Og=="])), max_size=3))
def test_no_bytes_admit_a_stranger(values: list[bytes]) -> None:
    setup = Setup(users=Users({"somebody": STORED}, {}))

    assert isinstance(setup.authenticate(*values), Rejected)


def test_100000_random_headers_raise_nothing_and_admit_nobody() -> None:
    """Most headers are a right login with one change, and must not be accepted."""
    setup = Setup(users=Users({}, {scheme: {USER: "0" * len(secret)} for scheme, secret in HA1.items()}))
    rng = random.Random(7616)
    asked = setup.challenges()
    seeds = [basic().encode(), digest(asked["MD5"]).encode(), digest(asked["SHA-256"]).encode(), b"Negotiate YII="]
    results = set()
    for _ in range(100_000):
        value = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 5)):
            place = rng.randrange(len(value) + 1)
            value[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(4))
        rejected = setup.authenticator.authenticate(setup.request(bytes(value)))
        assert isinstance(rejected, Rejected)
        results.add(rejected.result)
        setup.clock.now += 100

    assert results == {
        LoginResult.UNUSABLE,
        LoginResult.NOT_OFFERED,
        LoginResult.UNKNOWN_USER,
        LoginResult.WRONG_PASSWORD,
    }


def test_no_repr_shows_a_password_or_a_hash() -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]
    requests = [
        setup.request(basic()),
        setup.request(digest(asked, password="hush")),
        setup.request(basic(password="hush")),
    ]

    for request in requests:
        said = (
            repr(request)
            + repr(setup.authenticator.authenticate(request))
            + repr(setup.authenticator.settings)
            + repr(setup.authenticator.users)
        )
        assert "hush" not in said
        assert PASSWORD not in said
        assert basic()[6:] not in said
        assert STORED.text.raw.decode() not in said
        assert HA1[Scheme.DIGEST_MD5] not in said
