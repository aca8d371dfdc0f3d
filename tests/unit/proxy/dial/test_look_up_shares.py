"""How the places for look-ups are shared among clients."""

import itertools

import pytest

from licensegate.proxy.dial.look_up_shares import LookUpShares

HOG = "192.0.2.1"


def take_all(shares: LookUpShares, client: str) -> int:
    """Take places until this client gets none. Returns their number."""
    return next(count for count in itertools.count() if not shares.take(client))


def test_a_client_leaves_as_many_places_as_it_takes_and_the_reserve() -> None:
    shares = LookUpShares(64, reserved=16)
    assert take_all(shares, HOG) == 24
    assert take_all(shares, "192.0.2.2") == 12


def test_the_reserve_serves_clients_without_a_look_up() -> None:
    shares = LookUpShares(8, reserved=4)
    hogs = [take_all(shares, f"192.0.2.{number}") for number in range(4)]
    assert hogs == [2, 1, 1, 1]
    assert shares.take("192.0.2.77")


def test_no_client_gets_a_place_beyond_the_last() -> None:
    shares = LookUpShares(4, reserved=2)
    taken = [shares.take(f"192.0.2.{number}") for number in range(6)]
    assert taken == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:1", True, id="one /64"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="another /64"),
        pytest.param("192.0.2.1", "192.0.2.2", False, id="IPv4"),
        pytest.param("", "", True, id="the gate itself"),
    ],
)
def test_an_ipv6_block_counts_as_one_client(first: str, second: str, shared: bool) -> None:
    shares = LookUpShares(64, reserved=16)
    take_all(shares, first)
    assert shares.take(second) is not shared


def test_a_place_given_back_can_be_taken_again() -> None:
    shares = LookUpShares(64, reserved=16)
    taken = take_all(shares, HOG)
    for _ in range(taken):
        shares.give_back(HOG)
    assert shares.taken == 0
    assert take_all(shares, HOG) == taken
