"""Our reading of ClientHellos compared with OpenSSL's, which stands for the targets'.

Where both accept, they agree on the name; and OpenSSL accepts nothing that we refuse, but for names that no host has
and hellos of SSL 2.
"""

import random

import pytest
from hypothesis import given

from support.client_hellos import INVALID_SERVER_NAMES, RECORDED, RecordedHello, any_hello, hello_message, in_records
from support.openssl_hello import OPENSSL, assert_openssl_agrees

GOOD = [row for row in RECORDED.values() if not row.fault]
SHORT = [row.hello for row in GOOD if len(row.hello) < 3000]
NO_HOSTS = {"an empty name", "a dot", "a blank", "a line feed", "a slash", "a user", "an asterisk", "brackets"} | {
    "two final dots", "an empty label", "a label of 64", "a name of 254", "a hyphen at an edge", "a short IPv4 address",
}  # fmt: skip


@pytest.mark.parametrize("row", GOOD, ids=[row.name for row in GOOD])
def test_openssl_reads_the_same_name_from_a_real_client(row: RecordedHello) -> None:
    assert OPENSSL.read(row.hello) == row.server_name


@pytest.mark.parametrize("case", INVALID_SERVER_NAMES)
def test_openssl_refuses_the_same_names_except_invalid_hosts(case: str) -> None:
    is_read = OPENSSL.read(in_records(hello_message(INVALID_SERVER_NAMES[case]))) is not None
    assert is_read == (case in NO_HOSTS)


@given(any_hello())
def test_openssl_and_the_reader_agree_on_made_up_hellos(hello: bytes) -> None:
    assert_openssl_agrees(hello)


@pytest.mark.parametrize("seed", range(4))
def test_openssl_and_the_reader_agree_on_mangled_real_hellos(seed: int) -> None:
    chance = random.Random(seed)
    agreed = sum(assert_openssl_agrees(mangled(chance.choice(SHORT), chance)) for _ in range(10_000))
    assert agreed > 2000, "too few hellos were accepted by both"


def mangled(hello: bytes, chance: random.Random) -> bytes:
    """A hello with a few bytes changed, inserted, repeated or removed, and its outer lengths mostly corrected."""
    changed = bytearray(hello)
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(len(changed))
        size = chance.choice((1, 1, 2, 4, 20))
        match chance.randrange(8):
            case 0:
                del changed[place : place + size]
            case 1:
                changed[place:place] = chance.randbytes(size)
            case 2:
                changed[place:place] = changed[place : place + size]
            case _:
                changed[place] = chance.choice((0, 1, 255, changed[place] ^ 1, chance.randrange(256)))
    if chance.random() < 0.7:
        changed[3:5] = (len(changed) - 5).to_bytes(2, "big")
        changed[6:9] = (len(changed) - 9).to_bytes(3, "big")
    return bytes(changed)
