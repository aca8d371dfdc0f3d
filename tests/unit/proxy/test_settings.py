"""How many tunnels a limit on open files carries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.settings import Limits, tunnels_within


@given(st.integers(400, 1_000_000))
def test_the_tunnels_and_the_descriptors_they_need_agree(tunnels: int) -> None:
    needed = Limits(tunnels=tunnels).descriptors

    assert tunnels_within(needed) == tunnels
    assert tunnels_within(needed - 1) < tunnels


@given(st.integers(64, 1 << 20))
def test_all_places_and_a_reserve_fit_into_the_descriptors(descriptors: int) -> None:
    limits = Limits(tunnels=tunnels_within(descriptors))

    assert 2 * limits.tunnels + limits.spare <= descriptors - min(descriptors * 3 // 8, 256)


@pytest.mark.parametrize(("descriptors", "tunnels"), [(0, 1), (20, 2), (256, 75), (1024, 361), (16384, 7590)])
def test_few_descriptors_carry_few_tunnels(descriptors: int, tunnels: int) -> None:
    assert tunnels_within(descriptors) == tunnels
