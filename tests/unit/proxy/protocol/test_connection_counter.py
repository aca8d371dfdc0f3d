"""The connection counter: what it counts, and which limit refuses a client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.protocol.connection_counter import ConnectionCounter
from licensegate.proxy.settings import Limits
from licensegate.records.outcome import Outcome

LIMITS = Limits(tunnels=16, tunnels_per_client=4)
ONE, OTHER = "10.0.0.1", "10.0.0.2"


def counter_of(*clients: str) -> ConnectionCounter:
    counter = ConnectionCounter()
    for client in clients:
        counter.add(client)
    return counter


@pytest.mark.parametrize(
    ("clients", "outcome"),
    [
        pytest.param([ONE], None, id="the first"),
        pytest.param([ONE] * 4, None, id="as many as one may"),
        pytest.param([ONE] * 5, Outcome.CLIENT_TUNNELS_EXHAUSTED, id="one more than one may"),
        pytest.param([ONE] + [OTHER] * 5, None, id="another has too many"),
        pytest.param([ONE] + [f"10.0.1.{last}" for last in range(15)], None, id="as many as all may"),
        pytest.param([ONE] + [f"10.0.1.{last}" for last in range(16)], Outcome.TUNNELS_EXHAUSTED, id="one more"),
        pytest.param([ONE] * 17, Outcome.TUNNELS_EXHAUSTED, id="all of them from one"),
    ],
)
def test_a_client_above_the_limits_is_refused(clients: list[str], outcome: Outcome | None) -> None:
    assert counter_of(*clients).why_refused(ONE, LIMITS) is outcome


def test_a_draining_gate_refuses_every_client() -> None:
    counter = counter_of(*[ONE] * 17)
    counter.draining = True

    assert counter.why_refused(ONE, LIMITS) is Outcome.DRAINING
    assert ConnectionCounter().why_refused(ONE, LIMITS) is None


def test_a_client_that_left_makes_room() -> None:
    counter = counter_of(*[ONE] * 5)

    counter.remove(ONE)

    assert counter.why_refused(ONE, LIMITS) is None


@pytest.mark.parametrize(
    ("tunnels", "room"),
    [
        pytest.param(4096, 4096 + 512, id="an eighth"),
        pytest.param(64, 72, id="an eighth that is eight"),
        pytest.param(1, 9, id="eight at least"),
    ],
)
def test_refusals_find_room_above_the_limit(tunnels: int, room: int) -> None:
    limits = Limits(tunnels=tunnels)
    counter = counter_of(*[ONE] * room)

    assert not counter.is_full(limits)
    counter.add(ONE)
    assert counter.is_full(limits)


@st.composite
def comings_and_goings(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """The clients in the order in which they come, and in the one in which they leave."""
    coming = draw(st.lists(st.sampled_from([ONE, OTHER, "10.0.0.3"])))
    return coming, draw(st.permutations(coming))


@given(comings_and_goings())
def test_nothing_is_kept_once_all_clients_have_left(orders: tuple[list[str], list[str]]) -> None:
    coming, leaving = orders
    counter = counter_of(*coming)
    assert counter.connections == sum(counter.by_client.values()) == len(coming)

    for client in leaving:
        counter.remove(client)

    assert counter.connections == 0
    assert counter.by_client == {}
