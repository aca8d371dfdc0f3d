"""Held bytes: what connections take before they have a tunnel, and which one goes when it is too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.client_block import client_block
from licensegate.proxy.protocol.held_bytes import HeldBytes

LIMIT = 1000
ONE, TWO, THREE = "10.0.0.1", "10.0.0.2", "2001:db8::1"
NEIGHBOUR = "2001:db8::2"
MEBIBYTE = 1 << 20


def held_bytes(*entries: tuple[str, str, int]) -> HeldBytes[str]:
    held: HeldBytes[str] = HeldBytes()
    for entry in entries:
        held.put(*entry)
    return held


def test_nothing_goes_while_there_is_room() -> None:
    held = held_bytes(("a", ONE, 500), ("b", TWO, 500))

    assert held.total == LIMIT
    assert held.excess(ONE, LIMIT) is None
    assert held.excess(THREE, LIMIT) is None, "a client that holds nothing"


def test_a_client_that_takes_more_than_half_loses_its_largest() -> None:
    held = held_bytes(("small", ONE, 100), ("large", ONE, 300), ("another", ONE, 101), ("other", TWO, 400))

    assert held.excess(TWO, LIMIT) is None
    assert held.excess(ONE, LIMIT) == "large"


def test_an_ipv6_client_takes_memory_with_all_of_its_64() -> None:
    held = held_bytes(("a", THREE, 300), ("b", NEIGHBOUR, 201))

    assert held.excess(THREE, LIMIT) == held.excess(NEIGHBOUR, LIMIT) == "a"


def test_the_largest_of_the_client_that_takes_most_goes_for_others() -> None:
    held = held_bytes(("a", ONE, 200), ("b", ONE, 290), ("c", TWO, 250), ("d", "10.0.0.3", 250), ("e", "10.0.0.4", 20))

    assert held.excess("10.0.0.4", LIMIT) == "b"


def test_a_connection_counts_with_its_last_size() -> None:
    held = held_bytes(("a", ONE, 100), ("a", ONE, 300), ("a", TWO, 200))

    assert (held.total, len(held)) == (200, 1)
    held.remove("a")
    held.remove("a")
    assert (held.total, len(held)) == (0, 0)


def test_a_total_has_shrunk_once_for_each_flood() -> None:
    held: HeldBytes[int] = HeldBytes()
    for _ in range(2):
        for number in range(8):
            held.put(number, ONE, MEBIBYTE)
        assert not held.has_shrunk()
        for number in range(5):
            held.remove(number)
        assert not held.has_shrunk(), "more than a quarter is left"
        held.remove(5)
        assert held.has_shrunk()
        assert not held.has_shrunk()


def test_a_small_total_never_counts_as_shrunk() -> None:
    held = held_bytes(("a", ONE, 2 * MEBIBYTE - 1))
    held.remove("a")

    assert not held.has_shrunk()


CLIENTS = (ONE, TWO, THREE, NEIGHBOUR, "10.0.0.3")


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(CLIENTS), st.integers(0, 600))))
def test_any_story_stays_within_the_limit(story: list[tuple[int, str, int]]) -> None:
    held: HeldBytes[int] = HeldBytes()
    sizes: dict[int, tuple[str, int]] = {}
    for connection, client, size in story:
        if not size:
            held.remove(connection)
            sizes.pop(connection, None)
            continue
        held.put(connection, client, size)
        sizes[connection] = client_block(client), size
        while (victim := held.excess(client, LIMIT)) is not None:
            held.remove(victim)
            del sizes[victim]
        assert held.total == sum(size for _, size in sizes.values()) <= LIMIT
        mine = sum(size for block, size in sizes.values() if block == client_block(client))
        assert mine <= LIMIT // 2
    for connection in sizes:
        held.remove(connection)
    assert (held.total, len(held), held._holders) == (0, 0, {})


@pytest.mark.parametrize("clients", [1, 50])
def test_small_holders_stay_while_others_flood(clients: int) -> None:
    held = held_bytes(("honest", THREE, 10))
    for number in range(200):
        client = f"10.1.0.{number % clients}"
        held.put(f"flood {number}", client, 20)
        while (victim := held.excess(client, LIMIT)) is not None:
            assert victim != "honest"
            held.remove(victim)

    assert held.total > LIMIT // 2 - 20
