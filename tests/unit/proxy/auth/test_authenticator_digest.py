"""Digest logins: backslashes in user names, nonces, counts and replays."""

import pytest

from licensegate.allowlist.clients import Identity
from licensegate.proxy.auth import digest_hash
from licensegate.proxy.auth.login_throttle import FREE_TRIES
from licensegate.proxy.auth.nonces import NONCE_SECONDS
from licensegate.proxy.auth.result import Admitted
from licensegate.proxy.auth.scheme import DIGESTS, Scheme
from licensegate.proxy.auth.users import Users
from licensegate.records.record import LoginResult
from licensegate.records.secret import Secret
from support.authenticator_setup import CUCM, ELSEWHERE, Setup, rejection
from support.logins import PASSWORD, REALM, USER, digest, parameters


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_digest_is_accepted_on_the_next_connection(algorithm: str) -> None:
    setup = Setup()

    login = digest(setup.challenges()[algorithm])

    assert setup.authenticate(login) == Admitted(Identity(USER), Scheme(f"digest-{algorithm.lower()}"))


@pytest.mark.parametrize("uri", ["TOOLS.cisco.com:443", "tools.cisco.com.:443"])
def test_a_digests_uri_may_be_written_as_any_target_may(uri: str) -> None:
    setup = Setup()

    assert isinstance(setup.authenticate(digest(setup.challenges()["SHA-256"], uri=uri)), Admitted)


BACKSLASH = "CORP\\svc"


def with_backslash(*users: str) -> Setup:
    """A gate where these users have the password, by Digest."""
    ha1 = {scheme: {user: digest_hash.ha1(scheme, user, REALM, PASSWORD) for user in users} for scheme in DIGESTS}
    return Setup(users=Users({}, ha1), schemes=frozenset(DIGESTS))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize(
    ("username", "cnonce"),
    [
        pytest.param(r'"CORP\svc"', "0a4f113b", id="as Java sends it"),
        pytest.param(r'"CORP\svc"', "0a\\4f", id="with another backslash"),
        pytest.param(r'"CORP\\svc"', "0a4f113b", id="escaped, as RFC 9110 asks"),
    ],
)
def test_a_user_with_a_backslash_is_read_as_it_was_meant(algorithm: str, username: str, cnonce: str) -> None:
    setup = with_backslash(BACKSLASH)

    login = digest(setup.challenges()[algorithm], BACKSLASH, cnonce=cnonce, username=username)

    assert setup.authenticate(login) == Admitted(Identity(BACKSLASH), Scheme(f"digest-{algorithm.lower()}"))


def test_the_reading_of_the_rfc_comes_first() -> None:
    setup = with_backslash(BACKSLASH, "CORPsvc")
    asked = setup.challenges()["SHA-256"]

    unescaped = setup.authenticate(digest(asked, "CORPsvc", username=r'"CORP\svc"'))
    verbatim = rejection(setup.authenticate(digest(asked, BACKSLASH, count=2)))

    assert unescaped == Admitted(Identity("CORPsvc"), Scheme.DIGEST_SHA_256)
    assert (verbatim.result, verbatim.user) == (LoginResult.WRONG_PASSWORD, "CORPsvc")


@pytest.mark.parametrize(
    ("username", "shown"),
    [
        pytest.param(r'"CORP\else"', "CORP\\else", id="as Java sends it"),
        pytest.param(r'"CORP\\else"', "CORP\\else", id="escaped"),
        pytest.param(r'"say \"hi\""', 'say "hi"', id="escaped quotes"),
    ],
)
def test_an_unknown_user_with_a_backslash_is_shown_as_it_was_typed(username: str, shown: str) -> None:
    setup = with_backslash(BACKSLASH)
    asked = setup.challenges()["SHA-256"]

    refused = rejection(setup.authenticate(digest(asked, shown, username=username)))

    assert (refused.result, refused.user) == (LoginResult.UNKNOWN_USER, shown)


@pytest.mark.parametrize(
    ("user", "result"),
    [(BACKSLASH, LoginResult.WRONG_PASSWORD), ("CORP\\else", LoginResult.UNKNOWN_USER)],
    ids=["wrong password", "unknown user"],
)
def test_two_readings_of_a_backslash_count_as_one_try(user: str, result: LoginResult) -> None:
    setup = with_backslash(BACKSLASH)
    asked = setup.challenges()["SHA-256"]

    for _ in range(FREE_TRIES):
        assert rejection(setup.authenticate(digest(asked, user, "wrong"))).result is result
        assert setup.state.login_throttle.seconds_left(CUCM) == 0
    setup.authenticate(digest(asked, user, "wrong"))
    assert setup.state.login_throttle.seconds_left(CUCM) > 0


# Nonces


def test_each_count_of_a_nonce_is_accepted_once() -> None:
    setup = Setup()
    asked = setup.challenges()["SHA-256"]

    assert isinstance(setup.authenticate(digest(asked, count=1)), Admitted)
    assert isinstance(setup.authenticate(digest(asked, count=2)), Admitted)
    for replayed in (1, 2):
        rejected = rejection(setup.authenticate(digest(asked, count=replayed)))
        assert rejected.result is LoginResult.REPLAYED
        assert all("stale=true" in text for text in rejected.challenges if text.startswith("Digest"))


def test_a_replay_with_another_cnonce_or_algorithm_is_a_replay() -> None:
    setup = Setup()
    asked = setup.challenges()
    setup.authenticate(digest(asked["MD5"]))

    for login in (digest(asked["MD5"], cnonce="other"), digest(asked["SHA-256"])):
        assert rejection(setup.authenticate(login)).result is LoginResult.REPLAYED


@pytest.mark.parametrize(
    "how", ["too old", "from another source", "by another key", "changed", "none of ours", "empty"]
)
def test_a_right_password_with_an_unusable_nonce_gets_a_stale_challenge(how: str) -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]
    client = CUCM
    match how:
        case "too old":
            setup.clock.now += NONCE_SECONDS
        case "from another source":
            client = ELSEWHERE
        case "by another key":
            asked = Setup(key=Secret(b"other" * 8)).challenges()["MD5"]
        case _:
            nonce = parameters(asked)["nonce"]
            other = {"changed": "A" * 20 + nonce[20:], "none of ours": "dcd98b7102dd2f0e8b11d0f600bfb0c0", "empty": ""}
            asked = asked.replace(nonce, other[how])

    rejected = rejection(setup.authenticate(digest(asked), client=client))

    assert rejected.result is LoginResult.STALE
    md5, sha, plain = rejected.challenges
    assert parameters(md5)["stale"] == parameters(sha)["stale"] == "true"
    assert "stale" not in plain
    assert isinstance(setup.authenticate(digest(md5), client=client), Admitted)
    assert setup.state.login_throttle.seconds_left(client) == 0


def test_a_wrong_password_with_a_stale_nonce_is_a_wrong_password() -> None:
    setup = Setup()
    asked = setup.challenges()["MD5"]
    setup.clock.now += NONCE_SECONDS

    rejected = rejection(setup.authenticate(digest(asked, password="x")))

    assert rejected.result is LoginResult.WRONG_PASSWORD
    assert "stale" not in "".join(rejected.challenges)


def test_gates_with_one_key_share_nonces_but_not_their_counts() -> None:
    one, two = Setup(), Setup()
    login = digest(one.challenges()["SHA-256"])

    assert isinstance(one.authenticate(login), Admitted)
    assert isinstance(two.authenticate(login), Admitted)
    assert rejection(two.authenticate(login)).result is LoginResult.REPLAYED


def test_used_nonces_stay_used_in_an_authenticator_with_the_same_state() -> None:
    one = Setup()
    login = digest(one.challenges()["SHA-256"])
    one.authenticate(login)

    assert rejection(Setup(state=one.state).authenticate(login)).result is LoginResult.REPLAYED
