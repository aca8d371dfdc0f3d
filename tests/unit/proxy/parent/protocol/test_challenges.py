"""Reading the challenges of a 407."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.parent.protocol.challenges import Challenge, read_challenges

CASES = {
    "one scheme alone": ([b"Negotiate"], [Challenge("negotiate")]),
    "several in one field": ([b"Negotiate, NTLM"], [Challenge("negotiate"), Challenge("ntlm")]),
    "several fields": ([b"NTLM", b"Basic realm=x"], [Challenge("ntlm"), Challenge("basic", {"realm": "x"})]),
    "a token": ([b"NTLM TlRMTVNTUAACAAAA=="], [Challenge("ntlm", {}, "TlRMTVNTUAACAAAA==")]),
    "a token without padding": ([b"Negotiate oRQw"], [Challenge("negotiate", {}, "oRQw")]),
    "parameters": (
        [b'Digest realm="a b", nonce="n/1=", qop="auth,auth-int", algorithm=SHA-256, stale=false'],
        [
            Challenge(
                "digest",
                {"realm": "a b", "nonce": "n/1=", "qop": "auth,auth-int", "algorithm": "SHA-256", "stale": "false"},
            )
        ],
    ),
    "parameters, then another scheme": (
        [b'Digest realm="r", nonce="n", Basic realm="r"'],
        [Challenge("digest", {"realm": "r", "nonce": "n"}), Challenge("basic", {"realm": "r"})],
    ),
    "quoted commas and quotes": (
        [b'Basic realm="a, \\"b\\" = c\\\\"'],
        [Challenge("basic", {"realm": 'a, "b" = c\\'})],
    ),
    "blanks around everything": (
        [b'  Digest  realm = "r" ,\t nonce= n ,, '],
        [Challenge("digest", {"realm": "r", "nonce": "n"})],
    ),
    "names in any case": ([b"DIGEST Realm=r, NONCE=n"], [Challenge("digest", {"realm": "r", "nonce": "n"})]),
    "a repeated parameter": ([b"Basic realm=a, realm=b"], [Challenge("basic", {"realm": "a"})]),
    "bytes that are not ASCII": ([b'Basic realm="\xc3\xa4"'], [Challenge("basic", {"realm": "\xc3\xa4"})]),
    "an unclosed quote": (
        [b'NTLM, Basic realm="x, Digest nonce=n', b"Digest nonce=m"],
        [
            Challenge("ntlm"),
            Challenge("basic", {"realm": '"x, Digest nonce=n'}),
            Challenge("digest", {"nonce": "m"}),
        ],
    ),
    "a realm quoted twice": ([b'Basic realm=""Proxy""'], [Challenge("basic", {"realm": '""Proxy""'})]),
    "a realm quoted twice, with a comma": (
        [b'Basic realm=""Proxy, Inc"", NTLM'],
        [Challenge("basic", {"realm": '""Proxy'}), Challenge("ntlm")],
    ),
    "a realm in single quotes": ([b"Basic realm='a b'"], [Challenge("basic", {"realm": "'a b'"})]),
    "a realm of two words": ([b"Basic realm=a b, NTLM"], [Challenge("basic", {"realm": "a b"}), Challenge("ntlm")]),
    "a realm with a colon": ([b"Basic realm=x:1"], [Challenge("basic", {"realm": "x:1"})]),
    "an odd realm of Digest": (
        [b'Digest realm=a b, nonce="n", qop=auth'],
        [Challenge("digest", {"realm": "a b", "nonce": "n", "qop": "auth"})],
    ),
    "Basic with words instead of a realm": ([b'basic "Proxy"'], [Challenge("basic")]),
    "Basic alone": ([b"Basic"], [Challenge("basic")]),
    "a field of parameters alone": (
        [b'Digest realm="r", nonce="n"', b"algorithm=SHA-512-256"],
        [Challenge("digest", {"realm": "r", "nonce": "n"})],
    ),
    "a parameter without a scheme": ([b"realm=x, Basic realm=y"], [Challenge("basic", {"realm": "y"})]),
    "invalid elements": ([b"(), Basic realm=y, @"], [Challenge("basic", {"realm": "y"})]),
    "nothing": ([b"", b" , "], []),
}


@pytest.mark.parametrize(("values", "challenges"), CASES.values(), ids=CASES)
def test_challenges_are_read_in_order(values: list[bytes], challenges: list[Challenge]) -> None:
    assert list(read_challenges(values)) == challenges


@given(st.lists(st.binary(max_size=80), max_size=3))
def test_any_field_value_is_read_or_ignored(values: list[bytes]) -> None:
    for challenge in read_challenges(values):
        assert challenge.scheme == challenge.scheme.lower()
        assert challenge.scheme.isascii()


@pytest.mark.parametrize("value", [b'"\\' * 30000, b'a="' * 20000, b"a " * 30000, b'Digest a="' + b"\\" * 60000])
def test_a_long_field_is_read_in_linear_time(value: bytes) -> None:
    """Quadratic time would take minutes."""
    assert len(read_challenges([value])) <= 1
