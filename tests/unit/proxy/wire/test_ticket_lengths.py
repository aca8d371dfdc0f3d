"""The lengths of tickets, by target: learned, bounded, and never doubted once seen."""

from licensegate.proxy.wire.ticket_lengths import TicketLengths

TARGET = "tools.cisco.com:443"


def test_nothing_is_known_of_a_new_target() -> None:
    assert TicketLengths().of(TARGET) is None


def test_a_target_that_sends_none_is_known_for_that() -> None:
    known = TicketLengths()
    known.learn(TARGET, frozenset())
    assert known.of(TARGET) == frozenset()


def test_lengths_of_one_target_add_up() -> None:
    known = TicketLengths()
    known.learn(TARGET, frozenset({250}))
    known.learn(TARGET, frozenset({234}))
    known.learn("other.example:443", frozenset({147}))
    assert known.of(TARGET) == frozenset({234, 250})


def test_tickets_that_were_seen_are_not_forgotten_for_a_look_without_any() -> None:
    known = TicketLengths()
    known.learn(TARGET, frozenset({250}))
    known.learn(TARGET, frozenset())
    assert known.of(TARGET) == frozenset({250})


def test_lengths_and_targets_are_bounded() -> None:
    known = TicketLengths()
    for number in range(2000):
        known.learn(TARGET, frozenset({number}))
        known.learn(f"{number}.example:443", frozenset({1}))
        assert len(known.of(TARGET) or ()) <= 16
    assert len(known._by_target) <= 512
