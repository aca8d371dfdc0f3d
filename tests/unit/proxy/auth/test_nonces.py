"""Stateless nonces: valid with the key, for a while, from the source they were made for."""

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.client_block import client_block
from licensegate.proxy.auth.nonces import NONCE_SECONDS, Nonces
from licensegate.records.secret import Secret
from support.clock import Clock

KEY = Secret(bytes(range(32)))
CLIENT = "10.1.2.3"
NOW = 1_800_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def test_a_nonce_is_known_again_with_the_time_it_was_made_at(clock: Clock) -> None:
    nonces = Nonces(KEY, clock)

    nonce = nonces.make(CLIENT).encode()

    assert nonces.made_at(nonce, CLIENT) == NOW
    assert Nonces(KEY, clock).made_at(nonce, CLIENT) == NOW, "by another gate with the same key"
    assert Nonces(Secret(b"other" * 8), clock).made_at(nonce, CLIENT) is None


def test_no_two_nonces_are_the_same_in_one_moment(clock: Clock) -> None:
    nonces = Nonces(KEY, clock)

    assert len({nonces.make(CLIENT) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("seconds", "good"),
    [(0, True), (NONCE_SECONDS - 0.001, True), (NONCE_SECONDS, False), (-60, True), (-61, False)],
    ids=["at once", "just in time", "too late", "clocks a minute apart", "from the future"],
)
def test_a_nonce_is_good_for_its_time(clock: Clock, seconds: float, good: bool) -> None:
    nonces = Nonces(KEY, clock)
    nonce = nonces.make(CLIENT).encode()

    clock.now += seconds

    assert (nonces.made_at(nonce, CLIENT) is not None) is good


@pytest.mark.parametrize(
    ("made_for", "sent_by", "good"),
    [
        (CLIENT, CLIENT, True),
        (CLIENT, f"::ffff:{CLIENT}", True),
        (CLIENT, "10.1.2.4", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
    ],
)
def test_a_nonce_is_good_for_the_source_it_was_made_for(clock: Clock, made_for: str, sent_by: str, good: bool) -> None:
    nonces = Nonces(KEY, clock)

    assert (nonces.made_at(nonces.make(made_for).encode(), sent_by) is not None) is good


@given(st.integers(0, 43), st.integers(1, 63))
def test_a_nonce_with_any_character_changed_is_not_ours(place: int, step: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    nonces = Nonces(KEY, lambda: NOW)
    nonce = nonces.make(CLIENT)
    other = alphabet[(alphabet.index(nonce[place]) + step) % 64]

    assert nonces.made_at((nonce[:place] + other + nonce[place + 1 :]).encode(), CLIENT) is None


@given(st.one_of(st.binary(max_size=80), st.binary(min_size=33, max_size=33).map(base64.urlsafe_b64encode)))
def test_no_other_bytes_are_a_nonce(raw: bytes) -> None:
    assert Nonces(KEY, lambda: NOW).made_at(raw, CLIENT) is None


def test_a_nonce_needs_no_quoting_in_a_challenge(clock: Clock) -> None:
    nonces = Nonces(KEY, clock)

    for nonce in itertools.islice(iter(lambda: nonces.make(CLIENT), None), 100):
        assert nonce.replace("-", "").replace("_", "").isalnum()
        assert len(nonce) == 44


@pytest.mark.parametrize(
    ("client", "block"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_ipv6_clients_are_grouped_by_their_64_bit_network(client: str, block: str) -> None:
    assert client_block(client) == block
