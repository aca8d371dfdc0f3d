"""Waiting connections: which one must go when a client has too many, or the gate has no places left."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.client_block import client_block
from licensegate.proxy.protocol.waiting import WaitingConnections

PLACES, SHARE, RESERVE = 12, 4, 8
CLIENT_FULL, FULL = "its share", "the places"
ONE, TWO, THREE = "10.0.0.1", "10.0.0.2", "10.0.0.3"

Excess = tuple[str, str] | None
"""The connection that must go, and what ran short."""


class Crowd:
    """Connections named after their client and their number: `10.0.0.1 #2`. Those that must go do."""

    def __init__(self, places: int = PLACES, share: int = SHARE) -> None:
        self.waiting: WaitingConnections[str] = WaitingConnections()
        self.left: list[tuple[str, str]] = []
        self._share = share
        self._places = places
        self._count = 0

    def come(self, *clients: str) -> Excess:
        """Connect from each. Returns who had to go for the last."""
        excess = None
        for client in clients:
            self._count += 1
            newest = f"{client} #{self._count}"
            self.waiting.add(newest, client)
            excess = self._excess(newest)
            if excess is not None:
                self.left.append(excess)
                self.waiting.remove(excess[0])
        return excess

    def _excess(self, newest: str) -> Excess:
        if oldest := self.waiting.excess_of_client(newest, self._share):
            return oldest, CLIENT_FULL
        if victim := self.waiting.excess(self._places, RESERVE):
            return victim, FULL
        return None

    @property
    def who_left(self) -> list[str]:
        """The clients that lost a connection, in order."""
        return [connection.partition(" ")[0] for connection, _ in self.left]


def sources(count: int) -> list[str]:
    """So many clients."""
    return [f"10.1.{number >> 8}.{number & 255}" for number in range(count)]


def test_no_connection_is_closed_while_there_is_room() -> None:
    assert Crowd().come(*[ONE] * 4, *[TWO] * 4, *[THREE] * 4) is None


def test_a_client_above_its_share_loses_its_own_oldest() -> None:
    crowd = Crowd()

    assert crowd.come(TWO, *[ONE] * 5) == (f"{ONE} #2", CLIENT_FULL)
    assert crowd.come(ONE) == (f"{ONE} #3", CLIENT_FULL)


@pytest.mark.parametrize(
    "flood",
    [[f"2001:db8::{number:x}" for number in range(1, 6)], ["10.0.0.1", "::ffff:10.0.0.1"] * 2 + ["10.0.0.1"]],
    ids=["one /64", "IPv4 in two spellings"],
)
def test_the_addresses_of_one_client_share(flood: list[str]) -> None:
    crowd = Crowd()

    assert crowd.come(*flood) == (f"{flood[0]} #1", CLIENT_FULL)


def test_the_oldest_of_the_largest_holder_goes_for_another_client() -> None:
    crowd = Crowd()
    crowd.come(*[ONE] * 2, *sources(6), *[TWO] * 4)

    assert crowd.come("10.0.0.3") == (f"{TWO} #9", FULL)
    assert crowd.come("10.0.0.4") == (f"{TWO} #10", FULL)
    assert crowd.come("10.0.0.5") == (f"{ONE} #1", FULL), "of equals, the first to hold so many"


def test_among_clients_with_one_each_the_oldest_goes() -> None:
    crowd = Crowd()
    many = sources(PLACES + 3)
    crowd.come(*many)

    assert crowd.who_left == many[:3]


def test_a_connection_that_is_served_is_not_closed() -> None:
    crowd = Crowd()
    crowd.come(*sources(PLACES))
    crowd.waiting.remove("10.1.0.0 #1")

    assert crowd.come(ONE) is None
    assert crowd.come(TWO) == ("10.1.0.1 #2", FULL)


def test_a_newcomer_is_refused_if_no_other_client_waits() -> None:
    assert Crowd(places=0).come(ONE) == (f"{ONE} #1", FULL)


def test_a_client_that_had_a_tunnel_stays_while_others_flood() -> None:
    crowd = Crowd()
    crowd.waiting.note_tunnel(ONE)
    crowd.come(*[ONE] * 4, *sources(100))

    assert ONE not in crowd.who_left


def test_a_tunnel_protects_the_connections_that_wait_already() -> None:
    crowd = Crowd()
    crowd.come(*[ONE] * 4, *sources(8))
    crowd.waiting.note_tunnel(ONE)

    assert crowd.come(TWO) == ("10.1.0.0 #5", FULL)


def test_clients_that_had_tunnels_cannot_keep_others_out() -> None:
    crowd = Crowd(share=100)
    for client in (ONE, TWO):
        crowd.waiting.note_tunnel(client)
    crowd.come(*[ONE, TWO] * 6)

    assert crowd.come(THREE) == (f"{ONE} #1", FULL)


def test_in_the_reserve_clients_with_tunnels_displace_only_each_other() -> None:
    crowd = Crowd(places=RESERVE)
    for client in (ONE, TWO):
        crowd.waiting.note_tunnel(client)
    crowd.come(*[ONE] * 4, *[TWO] * 4)

    assert crowd.come(THREE) == (f"{THREE} #9", FULL)
    assert crowd.come(TWO) == (f"{TWO} #5", CLIENT_FULL)


def test_the_number_of_places_may_change_at_any_time() -> None:
    crowd = Crowd()
    crowd.come(*sources(PLACES))
    crowd._places = 3

    assert crowd.come(ONE) == ("10.1.0.0 #1", FULL)


CLIENTS = (ONE, TWO, THREE, "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")


def fullest(held: Iterable[str]) -> int:
    """The most connections that one client holds."""
    blocks = [client_block(client) for client in held]
    return max(map(blocks.count, blocks))


@given(
    st.lists(st.tuples(st.sampled_from(["come", "go", "tunnel"]), st.sampled_from(CLIENTS), st.integers(0, 99))),
    st.integers(0, 8),
)
def test_any_sequence_keeps_the_limits_and_loses_no_connection(story: list[tuple[str, str, int]], places: int) -> None:
    waiting: WaitingConnections[int] = WaitingConnections()
    held: dict[int, str] = {}
    for number, (event, client, choice) in enumerate(story):
        if event == "tunnel":
            waiting.note_tunnel(client)
        elif event == "go" and held:
            left = list(held)[choice % len(held)]
            waiting.remove(left)
            del held[left]
        elif event == "come":
            waiting.add(number, client)
            held[number] = client
            of_client, of_all = waiting.excess_of_client(number, SHARE), waiting.excess(places, RESERVE)
            assert (of_client is not None) == (fullest(held.values()) > SHARE)
            assert (of_all is not None) == (len(held) > places)
            gone = of_all if of_client is None else of_client
            if gone is not None:
                waiting.remove(gone)
                assert held.pop(gone) is not None
        assert waiting.total == len(held) <= places
    for connection in held:
        waiting.remove(connection)
    assert not waiting.total
    assert not waiting._clients
    assert waiting._newcomers.connections == waiting._proven.connections == 0
    assert waiting._newcomers.largest_size == waiting._proven.largest_size == 0
