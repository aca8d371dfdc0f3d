"""Password hashes of htpasswd files: which are accepted, what they cost, and which passwords fit."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.auth.password_hash import LONGEST_PASSWORD, SLOW_SECONDS, HashError, Kind, make_hash, read_hash


def crypt_like(kind: Kind, password: str) -> str:
    """A hash as libpass makes it."""
    from passlib.hash import apr_md5_crypt, bcrypt, sha256_crypt, sha512_crypt

    made = {
        Kind.BCRYPT: bcrypt.using(rounds=4, ident="2y"),
        Kind.SHA_256_CRYPT: sha256_crypt.using(rounds=1000),
        Kind.SHA_512_CRYPT: sha512_crypt.using(rounds=1000),
        Kind.APR1: apr_md5_crypt,
    }[kind].hash(password)
    return str(made)


# Published examples: the specification of SHA-crypt (akkadia.org/drepper/SHA-crypt.txt), Apache's documentation of
# password formats, and the test vectors of Openwall's crypt_blowfish. OpenSSL and libxcrypt agree with them.
_SHA_512 = "$6$rounds=10000$saltstringsaltst$"
_OF_SHA_512 = "OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."
PUBLISHED = {
    Kind.SHA_256_CRYPT: ("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", b"Hello world!"),
    Kind.SHA_512_CRYPT: (_SHA_512 + _OF_SHA_512, b"Hello world!"),
    Kind.APR1: ("$apr1$qHDFfhPC$nITSVHgYbDAK1Y0acGRnY0", b"myPassword"),
    Kind.BCRYPT: ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", b"U*U"),
}


@pytest.mark.parametrize("kind", PUBLISHED, ids=str)
def test_the_published_examples_fit_and_nothing_else_does(kind: Kind) -> None:
    text, password = PUBLISHED[kind]
    stored = read_hash(text)

    assert stored.kind is kind
    assert stored.fits(password)
    assert not stored.fits(password + b"x")
    assert not stored.fits(b"")


@pytest.mark.parametrize("ident", ["$2a$", "$2b$", "$2y$"])
def test_bcrypt_is_accepted_under_each_of_its_prefixes(ident: str) -> None:
    text, password = PUBLISHED[Kind.BCRYPT]

    assert read_hash(text.replace("$2y$", ident)).fits(password)


REFUSED = {
    "plain": "secret",
    "empty": "",
    "unsalted SHA-1": "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "DES crypt": "rl.3StKT.4T8M",
    "plain MD5-crypt": "$1$O3JMY.Tw$AdLnLjQ/5jXF9.MTp3gHv/",
    "crypt_blowfish's broken bcrypt": PUBLISHED[Kind.BCRYPT][0].replace("$2y$", "$2x$"),
    "bcrypt cut short": PUBLISHED[Kind.BCRYPT][0][:-1],
    "bcrypt with a cost of one digit": PUBLISHED[Kind.BCRYPT][0].replace("$05$", "$5$"),
    "bcrypt with a cost that does not exist": PUBLISHED[Kind.BCRYPT][0].replace("$05$", "$03$"),
    "SHA-crypt cut short": PUBLISHED[Kind.SHA_512_CRYPT][0][:-1],
    "SHA-256-crypt as long as SHA-512-crypt": PUBLISHED[Kind.SHA_512_CRYPT][0].replace("$6$", "$5$"),
    "SHA-crypt with rounds of a hundred digits": PUBLISHED[Kind.SHA_512_CRYPT][0].replace("10000", "9" * 100),
    "SHA-crypt with rounds of more digits than an int": PUBLISHED[Kind.SHA_512_CRYPT][0].replace("10000", "9" * 5000),
    "SHA-crypt with a salt outside ASCII": PUBLISHED[Kind.SHA_512_CRYPT][0].replace("saltstring", "sältstring"),
    "SHA-crypt with too few rounds": PUBLISHED[Kind.SHA_512_CRYPT][0].replace("10000", "999"),
    "a field behind": PUBLISHED[Kind.APR1][0] + ":x",
    "a blank behind": PUBLISHED[Kind.APR1][0] + " ",
    "argon2": "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27WfXG1aK8gRsQrVZbXe0nQQc",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_any_other_hash_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(HashError, match="give the user a new password") as caught:
        read_hash(text)

    assert not text or text not in str(caught.value)


@given(st.text(max_size=120))
def test_any_text_is_a_hash_or_refused(text: str) -> None:
    with pytest.raises(HashError):
        read_hash(text)


def test_a_hash_too_slow_to_check_is_refused() -> None:
    with pytest.raises(HashError, match="s to check"):
        read_hash(PUBLISHED[Kind.SHA_512_CRYPT][0].replace("10000", "999999999"))
    with pytest.raises(HashError, match="s to check"):
        read_hash(PUBLISHED[Kind.BCRYPT][0].replace("$05$", "$31$"))


@pytest.mark.parametrize(
    ("text", "slow"),
    [
        (PUBLISHED[Kind.BCRYPT][0].replace("$05$", "$10$"), False),
        (PUBLISHED[Kind.BCRYPT][0].replace("$05$", "$12$"), True),
        (PUBLISHED[Kind.SHA_512_CRYPT][0], False),
        (PUBLISHED[Kind.SHA_512_CRYPT][0].replace("10000", "656000"), True),
        (PUBLISHED[Kind.APR1][0], False),
    ],
    ids=["bcrypt 10", "bcrypt 12", "SHA-crypt", "SHA-crypt as libpass makes it", "apr1"],
)
def test_cost_of_a_check_is_read_from_the_hash(text: str, slow: bool) -> None:
    assert (read_hash(text).seconds >= SLOW_SECONDS) is slow


@pytest.mark.parametrize("kind", Kind, ids=str)
def test_a_dummy_costs_the_same_and_fits_nothing(kind: Kind) -> None:
    stored = read_hash(crypt_like(kind, "secret"))

    dummy = stored.dummy()

    assert (dummy.kind, dummy.seconds) == (stored.kind, stored.seconds)
    assert read_hash(dummy.text.raw.decode()).seconds == stored.seconds, "it is a hash of its kind"
    assert dummy.text.raw[:7] == stored.text.raw[:7], "at the same cost"
    assert not dummy.fits(b"secret")


@pytest.mark.parametrize("kind", Kind, ids=str)
@pytest.mark.parametrize(
    "password",
    [b"\0", b"a\0b", b"\xff\xfe", b"x" * 73, b"x" * 1025, b"x" * 100_000, "pä".encode("latin-1")],
    ids=["NUL", "NUL within", "not UTF-8", "beyond bcrypt", "beyond everybody", "giant", "Latin-1"],
)
def test_no_password_raises_an_error(kind: Kind, password: bytes) -> None:
    assert not read_hash(crypt_like(kind, "secret")).fits(password)


def test_an_apache_hash_of_a_password_too_long_for_bcrypt_still_fits() -> None:
    stored = read_hash(crypt_like(Kind.BCRYPT, "x" * LONGEST_PASSWORD))

    assert stored.fits(b"x" * 100)


@pytest.mark.parametrize("password", ["secret", "pä & co", "x" * LONGEST_PASSWORD])
def test_a_new_hash_is_bcrypt_as_apache_writes_it(password: str) -> None:
    text = make_hash(password)

    assert text.startswith("$2y$10$")
    assert read_hash(text).kind is Kind.BCRYPT
    assert read_hash(text).fits(password.encode())
    assert make_hash(password) != text, "salted"


@pytest.mark.parametrize("password", ["x" * (LONGEST_PASSWORD + 1), "a\0b"])
def test_a_password_that_bcrypt_cannot_take_makes_no_hash(password: str) -> None:
    with pytest.raises(ValueError):
        make_hash(password)


def test_where_md5_is_not_allowed_apr1_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def barred(*_: object, **__: object) -> object:
        raise ValueError("[digital envelope routines] unsupported")

    text = PUBLISHED[Kind.APR1][0]
    read_hash(text)
    monkeypatch.setattr("passlib.handlers.md5_crypt.md5", barred)
    monkeypatch.setattr(hashlib, "md5", barred)

    with pytest.raises(HashError, match="needs MD5, which this system does not allow"):
        read_hash(text)


def test_a_hash_shows_its_kind_and_nothing_else() -> None:
    stored = read_hash(PUBLISHED[Kind.APR1][0])

    assert repr(stored) == "PasswordHash(apr1)"
    assert repr(stored.text) == "Secret(...)"
