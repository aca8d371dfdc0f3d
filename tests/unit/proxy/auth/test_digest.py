"""Digest by the examples of its RFC, and what a challenge says."""

import hashlib

import pytest

from licensegate.proxy.auth import digest, digest_hash
from licensegate.proxy.auth.credentials import split_credentials
from licensegate.proxy.auth.digest import DigestCredentials, read_digest
from licensegate.proxy.auth.scheme import DIGESTS, Scheme
from support.logins import digest as answered
from support.logins import parameters

# RFC 7616 section 3.9.1
MUFASA = (
    b'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=%b, '
    b'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    b'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="%b", '
    b'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CIRCLE_OF_LIFE = {
    Scheme.DIGEST_MD5: (b"MD5", b"8ca523f5e9506fed4657c9700eebdbec"),
    Scheme.DIGEST_SHA_256: (b"SHA-256", b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
}


def read(value: bytes) -> DigestCredentials:
    auth_scheme, rest = split_credentials(value)
    assert auth_scheme == "digest"
    return read_digest(rest)


def mufasa(scheme: Scheme, response: bytes) -> DigestCredentials:
    return read(MUFASA % (CIRCLE_OF_LIFE[scheme][0], response))


@pytest.mark.parametrize("scheme", DIGESTS)
def test_the_example_of_the_rfc_is_right(scheme: Scheme) -> None:
    secret = digest_hash.ha1(scheme, "Mufasa", "http-auth@example.org", "Circle of Life")
    response = CIRCLE_OF_LIFE[scheme][1]

    assert digest.is_right(scheme, secret, "GET", mufasa(scheme, response))
    assert digest.is_right(scheme, secret, "GET", mufasa(scheme, response.upper()))
    assert len(secret) == digest_hash.ALGORITHMS[scheme].hex_digits


@pytest.mark.parametrize("scheme", DIGESTS)
@pytest.mark.parametrize(
    ("user", "password", "method", "cut"),
    [
        pytest.param("Mufasa", "Circle of life", "GET", 64, id="another password"),
        pytest.param("mufasa", "Circle of Life", "GET", 64, id="another user"),
        pytest.param("Mufasa", "Circle of Life", "CONNECT", 64, id="another method"),
        pytest.param("Mufasa", "Circle of Life", "GET", 16, id="half of the response"),
    ],
)
def test_a_response_of_another_user_password_or_method_is_wrong(
    scheme: Scheme, user: str, password: str, method: str, cut: int
) -> None:
    secret = digest_hash.ha1(scheme, user, "http-auth@example.org", password)

    assert not digest.is_right(scheme, secret, method, mufasa(scheme, CIRCLE_OF_LIFE[scheme][1][:cut]))


@pytest.mark.parametrize("scheme", DIGESTS)
@pytest.mark.parametrize("stale", [False, True], ids=["new", "stale"])
def test_a_challenge_says_everything_once_and_a_client_can_answer_it(scheme: Scheme, stale: bool) -> None:
    challenge = digest.challenge(scheme, "LicenseGate", "the-nonce", stale=stale)

    expected = {"realm": "LicenseGate", "qop": "auth", "nonce": "the-nonce", "charset": "UTF-8"}
    expected["algorithm"] = digest_hash.ALGORITHMS[scheme].name
    assert parameters(challenge) == expected | ({"stale": "true"} if stale else {})
    sent = read(answered(challenge, "jürgen", "pä").encode())
    assert digest.is_right(scheme, digest_hash.ha1(scheme, "jürgen", "LicenseGate", "pä"), "CONNECT", sent)


def test_md5_is_marked_as_not_used_for_security(monkeypatch: pytest.MonkeyPatch) -> None:
    """hashlib then allows MD5 even with OpenSSL in FIPS mode."""
    plain = hashlib.md5

    def fips(data: bytes = b"", *, usedforsecurity: bool = True) -> object:
        if usedforsecurity:
            raise ValueError("[digital envelope routines] unsupported")
        return plain(data, usedforsecurity=False)

    monkeypatch.setattr(hashlib, "md5", fips)

    assert digest_hash.md5_works()
    assert digest_hash.ha1(Scheme.DIGEST_MD5, "a", "b", "c") == plain(b"a:b:c").hexdigest()


@pytest.mark.parametrize("how", ["refused", "absent"])
def test_an_unavailable_md5_is_reported(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    def barred(*_: object, **__: object) -> object:
        raise ValueError("unsupported hash type md5")

    if how == "absent":
        monkeypatch.delattr(hashlib, "md5")
    else:
        monkeypatch.setattr(hashlib, "md5", barred)

    assert not digest_hash.md5_works()
