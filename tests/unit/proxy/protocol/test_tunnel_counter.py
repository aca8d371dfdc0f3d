"""The tunnel counter: what it counts, and which limit refuses a client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.allowlist.client_block import client_block
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.settings import Limits
from licensegate.records.outcome import Outcome

LIMITS = Limits(tunnels=16, tunnels_per_client=4)
ONE, OTHER = "10.0.0.1", "10.0.0.2"
NEIGHBOURS = [f"2001:db8::{number}" for number in range(1, 5)]


def counter_of(*clients: str) -> TunnelCounter:
    counter = TunnelCounter()
    for client in clients:
        counter.add(client)
    return counter


@pytest.mark.parametrize(
    ("clients", "outcome"),
    [
        pytest.param([], None, id="the first"),
        pytest.param([ONE] * 3, None, id="the last that one may have"),
        pytest.param([ONE] * 4, Outcome.CLIENT_TUNNELS_EXHAUSTED, id="one more than one may have"),
        pytest.param([OTHER] * 4, None, id="another has its share"),
        pytest.param([f"10.0.1.{last}" for last in range(15)], None, id="the last of all"),
        pytest.param([f"10.0.1.{last}" for last in range(16)], Outcome.TUNNELS_EXHAUSTED, id="one more than all"),
        pytest.param([ONE] * 16, Outcome.TUNNELS_EXHAUSTED, id="all of them from one"),
    ],
)
def test_a_client_above_the_limits_is_refused(clients: list[str], outcome: Outcome | None) -> None:
    assert counter_of(*clients).why_refused(ONE, LIMITS) is outcome


@pytest.mark.parametrize(
    ("client", "outcome"),
    [("2001:db8::ffff", Outcome.CLIENT_TUNNELS_EXHAUSTED), ("2001:db8:0:1::1", None), ("fe80::1%eth0", None)],
)
def test_an_ipv6_client_is_counted_with_its_64_bit_prefix(client: str, outcome: Outcome | None) -> None:
    counter = counter_of(*NEIGHBOURS)

    assert counter.by_client == {"2001:db8::/64": 4}
    assert counter.why_refused(client, LIMITS) is outcome


def test_a_draining_gate_refuses_every_client() -> None:
    counter = counter_of(*[ONE] * 17)
    counter.draining = True

    assert counter.why_refused(ONE, LIMITS) is Outcome.DRAINING
    assert TunnelCounter().why_refused(ONE, LIMITS) is None


def test_a_tunnel_that_ended_makes_room() -> None:
    counter = counter_of(*[ONE] * 4)

    counter.remove(ONE)

    assert counter.why_refused(ONE, LIMITS) is None


@st.composite
def comings_and_goings(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """The order in which clients come, and the order in which they leave."""
    coming = draw(st.lists(st.sampled_from([ONE, OTHER, *NEIGHBOURS])))
    return coming, draw(st.permutations(coming))


@given(comings_and_goings())
def test_nothing_is_kept_once_all_tunnels_have_ended(orders: tuple[list[str], list[str]]) -> None:
    coming, leaving = orders
    counter = counter_of(*coming)
    assert counter.tunnels == sum(counter.by_client.values()) == len(coming)

    for client in leaving:
        counter.remove(client_block(client))

    assert counter.tunnels == 0
    assert counter.by_client == {}
