"""The few refused connections that may read why."""

from licensegate.proxy.protocol.unserved import STRANGERS, TOO_FAST, Unserved


def test_a_few_strangers_may_stay_until_others_leave() -> None:
    strangers: Unserved[int] = Unserved(STRANGERS)
    stayed = [strangers.add(number, f"203.0.113.{number}") for number in range(20)]

    assert stayed == [True] * 16 + [False] * 4
    strangers.remove(3)
    strangers.remove(19)
    assert strangers.add(20, "203.0.113.20")
    assert not strangers.add(21, "203.0.113.21")


def test_one_stranger_leaves_places_to_others() -> None:
    strangers: Unserved[int] = Unserved(STRANGERS)
    stayed = [strangers.add(number, f"2001:db8::{number}") for number in range(6)]

    assert stayed == [True] * 4 + [False] * 2
    assert strangers.add(6, "203.0.113.1")


def test_clients_that_come_too_fast_have_more_places_than_strangers() -> None:
    too_fast: Unserved[int] = Unserved(TOO_FAST)
    stayed = [too_fast.add(number, f"10.0.{number // 20}.1") for number in range(100)]

    assert [sum(stayed[number : number + 20]) for number in range(0, 100, 20)] == [16, 16, 16, 16, 0]
