"""The deadlines of a connection: how long each is, and the sweep over all of them. The clock is a number."""

import pytest

from licensegate.proxy.net.deadline import Deadline
from licensegate.proxy.settings import Limits
from licensegate.proxy.tunnel.deadlines import ANNOUNCE_SECONDS, LINGER_SECONDS, Deadlines
from support.deadline_owner import FakeOwner


def test_a_sweep_returns_late_owners_and_their_deadlines() -> None:
    deadlines = Deadlines(
        Limits(head_seconds=1, hello_seconds=3, dial_seconds=2, idle_seconds=300, half_closed_seconds=4)
    )
    all_of_them = [
        deadlines.head, deadlines.handshake, deadlines.login, deadlines.hello, deadlines.dial,
        deadlines.idle, deadlines.half_closed, deadlines.linger, deadlines.announce,
    ]  # fmt: skip
    assert set(all_of_them) == {limit for limit in vars(deadlines).values() if isinstance(limit, Deadline)}
    waiting = {FakeOwner(): deadline for deadline in all_of_them}
    for owner, deadline in waiting.items():
        deadline.begin(owner, 1000)

    assert dict(deadlines.sweep(1004)) == {owner: it for owner, it in waiting.items() if it.seconds <= 4}
    assert dict(deadlines.sweep(2000)) == {owner: it for owner, it in waiting.items() if it.seconds > 4}


def test_deadlines_know_whether_they_are_in_use() -> None:
    deadlines, owner = Deadlines(Limits()), FakeOwner()
    assert not deadlines.in_use

    deadlines.hello.begin(owner, 0)
    assert deadlines.in_use

    deadlines.hello.stop(owner)
    assert not deadlines.in_use


def test_two_deadlines_can_run_for_one_owner() -> None:
    deadlines, tunnel = Deadlines(Limits()), FakeOwner()
    deadlines.idle.begin(tunnel, 0)
    deadlines.announce.begin(tunnel, 0)

    assert list(deadlines.sweep(60)) == [(tunnel, deadlines.announce)]
    assert list(deadlines.sweep(3600)) == [(tunnel, deadlines.idle)]


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("head", 1), ("handshake", 1), ("login", 1), ("dial", 2), ("idle", 3), ("half_closed", 4), ("hello", 5),
        ("linger", LINGER_SECONDS), ("announce", ANNOUNCE_SECONDS),
    ],
)  # fmt: skip
def test_every_deadline_has_the_seconds_of_the_settings(name: str, seconds: float) -> None:
    deadlines = Deadlines(
        Limits(head_seconds=1, dial_seconds=2, idle_seconds=3, half_closed_seconds=4, hello_seconds=5)
    )

    assert getattr(deadlines, name).seconds == seconds
