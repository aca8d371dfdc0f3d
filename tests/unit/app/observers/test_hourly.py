"""Records that come every second and say nothing new: one an hour, with a count."""

from licensegate.app.observers.hourly import OnceAnHour
from licensegate.records.outcome import ONCE_AN_HOUR, PROBES, Outcome
from licensegate.records.record import TunnelRecord, open_record
from support.clock import Clock


def record(client: str = "10.1.2.3") -> TunnelRecord:
    made = open_record(client, 4711, "127.0.0.1:3128")
    made.end(Outcome.CLOSED_AFTER_HANDSHAKE)
    return made


def test_a_client_has_one_record_an_hour_with_the_number_left_out() -> None:
    clock = Clock()
    thin = OnceAnHour(clock)
    passed = []
    for _ in range(3 * 3600):
        kept = thin.thinned(record())
        if kept is not None:
            passed.append(kept.repeated)
        clock.now += 1

    assert passed == [0, 3599, 3599]


def test_clients_are_counted_apart() -> None:
    clock = Clock()
    thin = OnceAnHour(clock)
    first = [thin.thinned(record(client)) for client in ("10.1.2.3", "10.1.2.4", "10.1.2.4")]
    clock.now += 3600
    second = [thin.thinned(record(client)) for client in ("10.1.2.3", "10.1.2.4")]

    assert [each and each.repeated for each in (*first, *second)] == [0, 0, None, 0, 1]


def test_the_addresses_of_one_ipv6_client_are_counted_together() -> None:
    thin = OnceAnHour(Clock())
    kept = [thin.thinned(record(client)) for client in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")]

    assert [each is not None for each in kept] == [True, False, True]


def test_the_record_of_other_observers_is_not_changed() -> None:
    clock = Clock()
    thin = OnceAnHour(clock)
    for _ in range(2):
        thin.thinned(record())
    clock.now += 3600
    original = record()

    kept = thin.thinned(original)

    assert kept is not None
    assert (original.repeated, kept.repeated) == (0, 1)


def test_a_probe_is_never_logged_and_needs_no_hour() -> None:
    assert not set(ONCE_AN_HOUR) & set(PROBES)
