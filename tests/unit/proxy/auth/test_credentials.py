"""Reading Proxy-Authorization: what is accepted, and the reason for each refusal."""

import base64
import contextlib
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from licensegate.proxy.auth.basic import BasicCredentials, read_basic
from licensegate.proxy.auth.credentials import CredentialsError, name_of_unserved, split_credentials
from licensegate.proxy.auth.digest import DigestCredentials, read_digest

JAVA = (
    b'Digest username="cucm-pub", realm="LicenseGate", nonce="AAAB", nc=00000001, uri="tools.cisco.com:443", '
    b'response="8CA523F5E9506FED4657C9700EEBDBEC", algorithm="MD5", cnonce="NGJLJFFMENHJFLEAKNOKPNIKMKALLBHIIGBKEDPM", '
    b"qop=auth"
)
CURL = JAVA.replace(b'algorithm="MD5"', b"algorithm=MD5").replace(b", ", b",")


def read_credentials(value: bytes) -> BasicCredentials | DigestCredentials | str:
    """The credentials as read by their scheme, or the logged name of another scheme."""
    auth_scheme, rest = split_credentials(value)
    match auth_scheme:
        case "basic":
            return read_basic(rest)
        case "digest":
            return read_digest(rest)
        case _:
            return name_of_unserved(auth_scheme)


def encoded(raw: bytes) -> bytes:
    return b"Basic " + base64.b64encode(raw)


@pytest.mark.parametrize(
    ("value", "user", "password"),
    [
        pytest.param(encoded(b"cucm:secret"), "cucm", "secret", id="plain"),
        pytest.param(encoded(b"cucm:a:b:c"), "cucm", "a:b:c", id="colons belong to the password"),
        pytest.param(encoded(b"cucm:"), "cucm", "", id="no password"),
        pytest.param(b"bAsIc   " + base64.b64encode(b"a:b"), "a", "b", id="any case and more blanks"),
        pytest.param(encoded("jürgen:pä".encode()), "jürgen", "pä", id="UTF-8"),
        pytest.param(encoded("jürgen:pä".encode("latin-1")), "jürgen", "pä", id="Latin-1, as Java encodes it"),
    ],
)
def test_basic_is_a_user_and_a_password(value: bytes, user: str, password: str) -> None:
    read = read_credentials(value)

    assert isinstance(read, BasicCredentials)
    assert (read.user, read.password.raw.decode()) == (user, password)


@pytest.mark.parametrize("value", [JAVA, CURL], ids=["java", "curl"])
def test_digest_is_read_as_clients_write_it(value: bytes) -> None:
    read = read_credentials(value)

    assert isinstance(read, DigestCredentials)
    assert (read.user, read.realm, read.nonce, read.uri) == (
        "cucm-pub",
        b"LicenseGate",
        b"AAAB",
        b"tools.cisco.com:443",
    )
    assert (read.algorithm, read.count, read.count_text) == ("MD5", 1, b"00000001")
    assert read.response.raw == b"8ca523f5e9506fed4657c9700eebdbec"


@pytest.mark.parametrize(
    ("before", "after", "field", "read"),
    [
        pytest.param(b'algorithm="MD5", ', b"", "algorithm", "MD5", id="no algorithm is MD5"),
        pytest.param(b'"MD5"', b"sha-256", "algorithm", "SHA-256", id="an algorithm in lower case"),
        pytest.param(b'"MD5"', b"MD5-sess", "algorithm", "MD5-SESS", id="an algorithm that is not offered"),
        pytest.param(b'"cucm-pub"', b'"a\\"b\\\\c"', "user", 'a"b\\c', id="quoted pairs"),
        pytest.param(b'"cucm-pub"', '"jürgen"'.encode(), "user", "jürgen", id="UTF-8"),
        pytest.param(b'"cucm-pub"', '"jürgen"'.encode("latin-1"), "user", "jürgen", id="Latin-1"),
        pytest.param(b'username="cucm-pub"', b"username*=UTF-8''j%C3%BCrgen", "user", "jürgen", id="RFC 8187"),
        pytest.param(b"nc=00000001", b"nc=0000000A", "count", 10, id="a count in capitals"),
        pytest.param(b"qop=auth", b'qop="AUTH" , , ', "algorithm", "MD5", id="empty elements of the list"),
        pytest.param(b"qop=auth", b"qop \t= auth, opaque=x, new=thing", "algorithm", "MD5", id="unknown parameters"),
        pytest.param(b"qop=auth", b"qop=auth, userhash=false", "algorithm", "MD5", id="no hash of the user"),
    ],
)
def test_digest_is_read_however_the_rfc_lets_it_be_written(
    before: bytes, after: bytes, field: str, read: object
) -> None:
    assert before in JAVA

    assert getattr(read_credentials(JAVA.replace(before, after)), field) == read


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"NTLM TlRMTVNTUAABAAAA", "ntlm"),
        (b"Negotiate YII=", "negotiate"),
        (b"Bearer x", "bearer"),
        (b"hush-hush", "unknown"),
        (b"Y3VjbTpodXNo", "unknown"),
        (b"X" * 99, "unknown"),
    ],
    ids=repr,
)
def test_an_unserved_scheme_is_logged_by_a_registered_name_or_unknown(value: bytes, name: str) -> None:
    assert read_credentials(value) == name


BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "a scheme"),
    "a quote": (b'"', "a scheme"),
    "no scheme": (b"=abc", "a scheme"),
    "a tab after the scheme": (b"Basic\tYTpi", "a scheme"),
    "Basic alone": (b"Basic", "in base64"),
    "Basic and a blank": (b"Basic ", "in base64"),
    "no base64": (b"Basic cucm:secret", "in base64"),
    "a character too few": (b"Basic YTpiY", "in base64"),
    "no padding": (b"Basic YTo", "in base64"),
    "padding within": (b"Basic YT==pi", "in base64"),
    "base64 twice": (b"Basic YTpi YTpi", "in base64"),
    "URL-safe base64": (b"Basic YTo_Pz8-", "in base64"),
    "no colon": (encoded(b"cucm"), "in base64"),
    "an empty user": (encoded(b":secret"), "the user is empty"),
    "NUL in the password": (encoded(b"cucm:a\0b"), "control character in the password"),
    "a line break in the user": (encoded(b"cu\ncm:ab"), "control character in the user"),
    "a C1 control in Latin-1": (encoded(b"cucm:\x85"), "control character in the password"),
    "a user without end": (encoded(b"u" * 257 + b":x"), "more than 256"),
    "Digest alone": (b"Digest", "no realm"),
    "Digest and base64": (b"Digest YTpi=", "parameters are malformed"),
    "a quote left open": (JAVA.replace(b'LicenseGate"', b"LicenseGate"), "parameters are malformed"),
    "a backslash at the end": (b'Digest a="\\', "parameters are malformed"),
    "no comma between": (JAVA.replace(b", nc", b" nc"), "parameters are malformed"),
    "a parameter twice": (JAVA + b", NC=00000002", "a parameter twice"),
    "a user hash": (JAVA + b", userhash=true", "hashed"),
    "qop=auth-int": (JAVA.replace(b"qop=auth", b"qop=auth-int"), "qop is not auth"),
    "no qop, as in RFC 2069": (JAVA.replace(b"qop=auth", b"x=y"), "no qop"),
    "no user": (JAVA.replace(b"username", b"x"), "no username"),
    "two users": (JAVA + b", username*=UTF-8''x", "or two"),
    "a user in another character set": (JAVA.replace(b'username="cucm-pub"', b"username*=latin1''x"), "RFC 8187"),
    "a user that is empty": (JAVA.replace(b"cucm-pub", b""), "the user is empty"),
    "a count of nine digits": (JAVA.replace(b"nc=0", b"nc=00"), "nc is not 8"),
    "a count with a sign": (JAVA.replace(b"nc=0", b"nc=+"), "nc is not 8"),
    "a response in base64": (JAVA.replace(b"8CA5", b"8CG5"), "response is not"),
    "parameters without end": (JAVA + b"".join(b", p%d=1" % n for n in range(40)), "too many"),
}


@pytest.mark.parametrize(("value", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_malformed_value_is_refused_with_a_reason(value: bytes, words: str) -> None:
    with pytest.raises(CredentialsError, match=words):
        read_credentials(value)


@pytest.mark.parametrize("value", [JAVA, encoded(b"cucm:hush-hush"), *(value for value, _ in BROKEN.values())])
def test_no_value_and_no_error_shows_a_secret(value: bytes) -> None:
    try:
        said = repr(read_credentials(value))
    except CredentialsError as error:
        said = str(error)

    for secret in ("hush", "secret", "8CA523F5", "8ca523f5"):
        assert secret not in said


_token = st.text("abcDEF0189!#$%&'*+-.^_`|~=", max_size=12).map(str.encode)
_quoted = st.binary(max_size=20).map(lambda raw: b'"' + raw + b'"')
_parameter = st.tuples(
    st.sampled_from(
        [b"username", b"username*", b"realm", b"nonce", b"uri", b"response", b"cnonce", b"nc", b"qop", b"x"]
    ),
    st.sampled_from([b"=", b" = ", b"==", b""]),
    st.one_of(_token, _quoted, st.sampled_from([b"auth", b"00000001", b"ab12"])),
).map(b"".join)
_digests = st.lists(_parameter, max_size=14).flatmap(
    lambda parts: st.sampled_from([b", ", b",", b" "]).map(lambda between: b"Digest " + between.join(parts))
)
_basics = st.binary(max_size=60).map(encoded)


@given(st.one_of(st.binary(max_size=200), _digests, _basics, _token.map(lambda token: b"Basic " + token)))
@example(b"Digest " + b"," * 10000)
@example(b'Digest a="' + b"\\\\" * 8000)
@example(b"Digest " + b"a" * 16000)
def test_any_bytes_are_read_or_refused_and_never_anything_else(value: bytes) -> None:
    with contextlib.suppress(CredentialsError):
        assert isinstance(read_credentials(value), BasicCredentials | DigestCredentials | str)


@given(
    st.text(min_size=1, max_size=40).filter(lambda text: ":" not in text and text.isprintable()),
    st.text(max_size=60).filter(lambda text: text.isprintable()),
)
def test_every_user_and_password_comes_through_basic(user: str, password: str) -> None:
    read = read_credentials(encoded(f"{user}:{password}".encode()))

    assert isinstance(read, BasicCredentials)
    assert (read.user, read.password.raw) == (user, password.encode())


def test_a_hundred_thousand_random_headers_raise_nothing_undeclared() -> None:
    rng = random.Random(9110)
    seeds = [JAVA, CURL, encoded(b"cucm-pub:secret"), b"NTLM TlRMTVNTUAAB"]
    for _ in range(100_000):
        value = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(value) + 1)
            match rng.randrange(4):
                case 0:
                    value[place:place] = rng.randbytes(rng.randrange(1, 4))
                case 1:
                    del value[place : place + rng.randrange(1, 9)]
                case 2:
                    value[place : place + 1] = rng.choice([b'"', b"\\", b",", b"=", b" ", b"\0", b"\xff", b":", b"'"])
                case _:
                    value[place:place] = value[: rng.randrange(1, 12)]
        with contextlib.suppress(CredentialsError):
            assert read_credentials(bytes(value))
