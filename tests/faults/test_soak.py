"""A short soak: every kind of client over every door, and then every book has to agree. `make soak` runs a long one."""

import asyncio
from collections import Counter

import pytest

from soak.process import PIPES, Held
from soak.soaking import MOST_GROWTH, MOST_PIPES, REMEMBERED, Soaked, growth, soak

SECONDS, ROUNDS = 2, 1


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> Soaked:
    return asyncio.run(soak(tmp_path_factory.mktemp("soak"), SECONDS, ROUNDS))


def test_clients_records_metrics_and_ledger_agree_to_the_byte(soaked: Soaked) -> None:
    assert [str(difference) for difference in soaked.differences] == []


def test_every_kind_of_client_came_through_every_door(soaked: Soaked) -> None:
    assert all(did.connections >= 1 + ROUNDS for did in soaked.behaved.values())
    assert soaked.records > len(soaked.behaved)
    assert soaked.reloads >= 1 + ROUNDS
    assert all(len(looks) == 1 + ROUNDS for looks in soaked.held.values())


BASE = Held(
    Counter({"socket:[]": 5, "threads": 4, PIPES: 6}),
    Counter({"serve": 1}),
    50 << 20,
    Counter({"licensegate.a.Policy": 1}),
)


@pytest.mark.parametrize(
    ("after", "found"),
    [
        pytest.param(BASE, 0, id="nothing"),
        pytest.param(Held(BASE.things + Counter({PIPES: 40}), BASE.tasks, BASE.memory), 0, id="pipes of the pool"),
        pytest.param(Held(BASE.things + Counter({PIPES: MOST_PIPES}), BASE.tasks, BASE.memory), 1, id="more pipes"),
        pytest.param(Held(BASE.things + Counter({"socket:[]": 1}), BASE.tasks, BASE.memory), 1, id="a socket"),
        pytest.param(Held(BASE.things + Counter({"threads": 1}), BASE.tasks, BASE.memory), 1, id="a thread"),
        pytest.param(Held(BASE.things, BASE.tasks + Counter({"dial": 1}), BASE.memory), 1, id="a task"),
        pytest.param(Held(BASE.things, BASE.tasks, BASE.memory + MOST_GROWTH + 1), 1, id="memory"),
        pytest.param(
            Held(BASE.things, BASE.tasks, BASE.memory, Counter({"licensegate.a.Policy": 2})), 1, id="a policy"
        ),
        pytest.param(Held(BASE.things, BASE.tasks, BASE.memory, Counter(REMEMBERED)), 0, id="what is remembered"),
    ],
)
def test_what_a_gate_holds_more_of_is_found(after: Held, found: int) -> None:
    assert len(list(growth("gate", [BASE, BASE, after]))) == found
