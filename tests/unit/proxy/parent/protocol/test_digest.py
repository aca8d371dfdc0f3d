"""Digest, the client's side: the vectors of the RFCs, and the credentials sent."""

import hashlib
import re
from unittest.mock import patch

import pytest

from licensegate.proxy.parent.protocol.challenges import Challenge, read_challenges
from licensegate.proxy.parent.protocol.digest import DigestLogin, credentials, response, strength
from licensegate.proxy.parent.protocol.scheme import LoginFailedError, LoginRefusedError

TARGET = "tools.cisco.com:443"
RFC_7616 = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "qop": "auth, auth-int",
}
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def digest_challenge(**parameters: str) -> Challenge:
    return Challenge("digest", {"realm": "r", "nonce": "n"} | parameters)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_a_response_matches_rfc_7616_section_3_9_1(algorithm: str, expected: str) -> None:
    challenge = Challenge("digest", RFC_7616 | {"algorithm": algorithm})

    assert response(challenge, "Mufasa", "Circle of Life", CNONCE, "GET", "/dir/index.html") == expected


def test_a_response_without_qop_matches_rfc_2069() -> None:
    """The example of RFC 2069 section 2.4, corrected by erratum 749."""
    challenge = Challenge("digest", {"realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093"})

    header = response(challenge, "Mufasa", "CircleOfLife", "unused", "GET", "/dir/index.html")
    assert header == "1949323746fe6a43ef61f9606e7febea"


def test_a_session_algorithm_includes_the_nonces() -> None:
    challenge = digest_challenge(algorithm="MD5-sess", qop="auth")
    inner = hashlib.md5(b"u:r:p").hexdigest()
    ha1 = hashlib.md5(f"{inner}:n:c".encode()).hexdigest()
    ha2 = hashlib.md5(f"CONNECT:{TARGET}".encode()).hexdigest()

    expected = hashlib.md5(f"{ha1}:n:00000001:c:auth:{ha2}".encode()).hexdigest()
    assert response(challenge, "u", "p", "c", "CONNECT", TARGET) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, None),
        ({"algorithm": "md5", "qop": "auth"}, "md5"),
        ({"algorithm": "SHA-256", "qop": "auth-int,auth"}, "sha-256"),
        ({"algorithm": "SHA-256", "opaque": 'o"\\'}, "sha-256"),
    ],
    ids=["as old as can be", "MD5", "SHA-256", "opaque"],
)
def test_credentials_repeat_the_challenge_and_answer_it(parameters: dict[str, str], expected: str | None) -> None:
    challenge = digest_challenge(**parameters)

    header = credentials(challenge, "svc", "secret", TARGET, "c")
    (sent,) = read_challenges([header.encode("latin-1")])
    assert sent.scheme == "digest"
    assert (sent.parameters["username"], sent.parameters["uri"]) == ("svc", TARGET)
    assert (sent.parameters["realm"], sent.parameters["nonce"]) == ("r", "n")
    assert sent.parameters.get("algorithm", "").lower() == (expected or "")
    assert sent.parameters.get("opaque") == parameters.get("opaque")
    assert sent.parameters.get("nc") == ("00000001" if "qop" in parameters else None)
    assert sent.parameters["response"] == response(challenge, "svc", "secret", "c", "CONNECT", TARGET)
    assert "secret" not in header


@pytest.mark.parametrize(
    ("extended", "username"), [(False, 'username="jürgen", '), (True, "username*=UTF-8''j%C3%BCrgen, ")]
)
def test_names_and_realms_outside_ascii_are_utf_8(extended: bool, username: str) -> None:
    challenge = read_challenges(['Digest realm="Büro", nonce="n"'.encode()])[0]

    header = credentials(challenge, "jürgen", "p", TARGET, "c", extended_user=extended)
    assert username.encode() in header.encode("latin-1")
    assert 'realm="Büro"'.encode() in header.encode("latin-1")
    ha1 = hashlib.md5("jürgen:Büro:p".encode()).hexdigest()
    ha2 = hashlib.md5(f"CONNECT:{TARGET}".encode()).hexdigest()
    assert hashlib.md5(f"{ha1}:n:{ha2}".encode()).hexdigest() in header


def test_quotes_in_a_user_name_are_escaped() -> None:
    header = credentials(digest_challenge(), 'a"b\\c', "p", TARGET, "c")

    assert read_challenges([header.encode()])[0].parameters["username"] == 'a"b\\c'


@pytest.mark.parametrize(
    "challenge",
    [
        Challenge("basic", {"realm": "r"}),
        Challenge("digest", {"realm": "r"}),
        digest_challenge(algorithm="SHA-512-256"),
        digest_challenge(algorithm="MD5", qop="auth-int"),
    ],
    ids=["another scheme", "no nonce", "an unknown algorithm", "only with a body"],
)
def test_a_challenge_the_gate_cannot_answer_has_no_strength(challenge: Challenge) -> None:
    assert strength(challenge) is None


def test_md5_has_no_strength_if_the_system_bars_it() -> None:
    with patch("licensegate.proxy.parent.protocol.digest.md5_works", return_value=False):
        assert strength(digest_challenge(algorithm="MD5")) is None
        assert strength(digest_challenge(algorithm="MD5-sess")) is None
        assert strength(digest_challenge(algorithm="SHA-256")) == 0


def test_sha_256_is_stronger_than_md5() -> None:
    strengths = [strength(digest_challenge(algorithm=name)) for name in ("SHA-256", "SHA-256-sess", "MD5", "MD5-sess")]

    assert strengths == [0, 1, 2, 3]
    assert strength(digest_challenge()) == 2


def test_each_digest_login_waits_and_uses_a_new_client_nonce() -> None:
    logins = [DigestLogin("u", "p", TARGET) for _ in range(2)]

    assert [login.answer(None) for login in logins] == ["", ""]
    header = [login.answer(digest_challenge(qop="auth")) for login in logins]
    assert len({re.findall(r'cnonce="(\w{32})"', one)[0] for one in header}) == 2


def test_a_second_digest_challenge_means_a_wrong_password() -> None:
    login = DigestLogin("u", "p", TARGET)
    login.answer(digest_challenge())

    with pytest.raises(LoginRefusedError) as refused:
        login.answer(digest_challenge(nonce="another", stale="false"))
    assert refused.value.wrong_password


@pytest.mark.parametrize("stale", ["true", "TRUE", "True ", '"true"', "'true'"])
def test_stale_is_answered_a_few_times_and_never_a_refusal(stale: str) -> None:
    login = DigestLogin("u", "p", TARGET)
    login.answer(digest_challenge())

    for nonce in ("b", "c", "d"):
        assert f'nonce="{nonce}"' in login.answer(digest_challenge(nonce=nonce, stale=stale))
    with pytest.raises(LoginFailedError, match="called 4 nonces stale"):
        login.answer(digest_challenge(nonce="e", stale=stale))


def test_a_refusal_after_stale_nonces_is_one() -> None:
    login = DigestLogin("u", "p", TARGET)
    login.answer(digest_challenge())
    login.answer(digest_challenge(nonce="b", stale="true"))

    with pytest.raises(LoginRefusedError):
        login.answer(digest_challenge(nonce="c"))


def test_a_name_outside_ascii_is_sent_in_each_form_once() -> None:
    login = DigestLogin("jürgen", "p", TARGET)

    sent = [login.answer(digest_challenge(nonce=nonce)).partition("=")[0] for nonce in ("a", "b")]
    assert sent == ["Digest username", "Digest username*"]
    with pytest.raises(LoginRefusedError):
        login.answer(digest_challenge(nonce="c"))


def test_a_parent_that_asks_for_utf_8_gets_only_the_rfcs_form() -> None:
    login = DigestLogin("jürgen", "p", TARGET)

    assert login.answer(digest_challenge(charset="UTF-8")).startswith("Digest username*=UTF-8''")
    with pytest.raises(LoginRefusedError):
        login.answer(digest_challenge(nonce="b", charset="UTF-8"))


def test_an_unsupported_algorithm_is_a_failure_not_a_refusal() -> None:
    with pytest.raises(LoginFailedError, match="sha-512-256"):
        DigestLogin("u", "p", TARGET).answer(digest_challenge(algorithm="SHA-512-256"))
