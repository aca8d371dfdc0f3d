"""The clocks: Cisco's limits as a table of cases, and what must hold for all of them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from licensegate.licensing.clocks import Clocks, Due, KnownOfClient, Level, clocks, days_until
from licensegate.licensing.limits import all_families, all_limits, family_of_pid, limit

FIRST = "2026-01-01T00:00:00"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dates(found: Clocks) -> tuple[str | None, ...]:
    """The six dates and the earliest enforcement, as text without a zone."""
    dues: list[Due | None] = [
        found.contact,
        found.deadline,
        found.certificate_renewal,
        found.certificate_expiry,
        found.overage_end,
        found.evaluation_end,
    ]
    times = [None if due is None else due.at for due in dues] + [found.enforced]
    return tuple(
        None if time is None else time.isoformat().removesuffix("+00:00").removesuffix("T00:00:00") for time in times
    )


CONTACT: dict[str, Any] = {"last_contact": moment(FIRST)}
AUTHORIZED = ("2026-01-31", "2026-04-01", None, None, "2026-06-30", None, "2026-04-01")
SHORT = ("2026-01-01T12:00:00", "2026-04-01", None, None, "2026-04-01", None, "2026-04-01")
NO_OVERAGE = ("2026-01-31", "2026-04-01", None, None, None, None, "2026-04-01")
SYNCHRONISED = ("2026-01-31", "2026-04-01", None, None, None, None, None)
PRINTED: dict[str, Any] = {
    "last_contact": moment("2018-01-26T09:42:59"),
    "printed_contact": moment("2018-02-25T09:42:59"),
    "printed_deadline": moment("2018-04-26T09:36:59"),
    "printed_certificate_renewal": moment("2018-07-25T09:41:23"),
    "printed_certificate_expiry": moment("2019-01-26T09:36:21"),
}
PRINTED_DATES = (
    "2018-02-25T09:42:59", "2018-04-26T09:36:59", "2018-07-25T09:41:23", "2019-01-26T09:36:21", None, None,
    "2018-04-26T09:36:59",
)  # fmt: skip
NOTHING = (None,) * 7

CASES: dict[str, tuple[dict[str, Any], str, tuple[str | None, ...], int | None, Level]] = {
    "a contact 19 days ago": (CONTACT, "2026-01-20", AUTHORIZED, 71, Level.OK),
    "the contact of day 30 is missed": (CONTACT, "2026-02-05", AUTHORIZED, 55, Level.WARNING),
    "a week before the authorization ends": (CONTACT, "2026-03-25", AUTHORIZED, 7, Level.CRITICAL),
    "the authorization ends now": (CONTACT, "2026-04-01", AUTHORIZED, 0, Level.CRITICAL),
    "registered now": (
        {"registered": moment(FIRST)},
        FIRST,
        ("2026-01-31", "2026-04-01", "2026-06-30", "2027-01-01", "2026-06-30", None, "2026-04-01"),
        90,
        Level.OK,
    ),
    "registered before a leap day": (
        {"registered": moment("2027-12-01")},
        "2027-12-01",
        ("2027-12-31", "2028-02-29", "2028-05-29", "2028-11-30", "2028-05-29", None, "2028-02-29"),
        90,
        Level.OK,
    ),
    "out of compliance for 73 days": (
        {"out_of_compliance_since": moment(FIRST)}, "2026-03-15", SHORT, 17, Level.CRITICAL,
    ),
    "in evaluation": (
        {"evaluation_at": moment(FIRST), "evaluation_left": timedelta(days=89, hours=1, minutes=33, seconds=51)},
        FIRST,
        (None, None, None, None, None, "2026-03-31T01:33:51", "2026-03-31T01:33:51"),
        None,
        Level.WARNING,
    ),
    "printed dates": (PRINTED, "2018-02-01", PRINTED_DATES, 84, Level.OK),
    "a failed attempt moves no printed deadline": (
        {
            "last_contact": moment("2018-12-03T16:37:55"),
            "contact_failed": True,
            "printed_contact": moment("2018-12-03T18:40:57"),
            "printed_deadline": moment("2019-03-03T16:37:55"),
            "printed_certificate_renewal": moment("2018-12-03T18:56:01"),
            "printed_certificate_expiry": moment("2019-12-03T16:37:44"),
        },
        "2018-12-04",
        ("2018-12-03T18:40:57", "2019-03-03T16:37:55", "2018-12-03T18:56:01", "2019-12-03T16:37:44", None, None,
         "2019-03-03T16:37:55"),
        89,
        Level.WARNING,
    ),
    "printed by a product of an On-Prem": (
        {
            "model": "classic_on_prem",
            "printed_contact": moment("2020-07-10T08:02:31"),
            "printed_deadline": moment("2020-09-08T07:33:04"),
            "printed_certificate_renewal": moment("2020-07-11T09:08:38"),
            "printed_certificate_expiry": moment("2020-09-11T11:31:12"),
        },
        "2020-06-20",
        ("2020-07-10T08:02:31", "2020-09-08T07:33:04", "2020-07-11T09:08:38", "2020-09-11T11:31:12", None, None,
         "2020-09-08T07:33:04"),
        80,
        Level.OK,
    ),
    "a printed contact every 12 hours, missed": (
        {
            "printed_contact": moment("2016-04-21T21:29:32"),
            "printed_deadline": moment("2017-04-21T09:26:13"),
            "printed_certificate_renewal": moment("2016-10-18T09:29:16"),
            "printed_certificate_expiry": moment("2017-04-21T09:26:13"),
        },
        "2016-04-22",
        ("2016-04-21T21:29:32", "2017-04-21T09:26:13", "2016-10-18T09:29:16", "2017-04-21T09:26:13", None, None,
         "2017-04-21T09:26:13"),
        364,
        Level.WARNING,
    ),
    "a report of the policy model is late": (
        {
            "model": "policy",
            "printed_contact": moment("2024-04-13T22:27:41"),
            "printed_deadline": moment("2024-05-14T20:10:40"),
        },
        "2024-04-20",
        ("2024-04-13T22:27:41", "2024-05-14T20:10:40", None, None, None, None, None),
        24,
        Level.WARNING,
    ),
    "no reporting, no deadline": ({"model": "policy", "reports_nothing": True}, "2026-01-01", NOTHING, None, Level.OK),
    "an ACK deadline passed 291 days and some hours ago": (
        {
            "model": "policy",
            "printed_contact": moment("2023-07-12T11:07:27"),
            "printed_deadline": moment("2022-09-25T11:23:47"),
        },
        "2023-07-13T13:00:00",
        ("2023-07-12T11:07:27", "2022-09-25T11:23:47", None, None, None, None, None),
        -292,
        Level.CRITICAL,
    ),
    "no reporting, with a deadline": (
        {"model": "policy", "reports_nothing": True, "printed_deadline": moment("2025-08-03T13:03:25")},
        "2024-09-01",
        (None, "2025-08-03T13:03:25", None, None, None, None, None),
        336,
        Level.OK,
    ),
    "reserved, no contact for 400 days": ({"model": "reserved", **CONTACT}, "2027-02-05", NOTHING, None, Level.OK),
    "an On-Prem synchronised 35 days ago": (
        {"model": "on_prem", **CONTACT}, "2026-02-05", SYNCHRONISED, 55, Level.WARNING,
    ),
    "ten days before an On-Prem's token ends": (
        {"model": "on_prem", "last_login": moment(FIRST)},
        "2026-06-20",
        (None, "2026-06-30", None, None, None, None, None),
        10,
        Level.WARNING,
    ),
    "FMC without a contact for 35 days": (
        {"family": "FMC", **CONTACT}, "2026-02-05", NO_OVERAGE, 55, Level.WARNING,
    ),
    "UCCX the day after its authorization expired": (
        {"family": "UCCX", "authorization_expired": moment("2026-04-01")},
        "2026-04-02",
        (None, "2026-04-01", None, None, "2026-06-30", None, "2026-04-01"),
        -1,
        Level.CRITICAL,
    ),
    "Unity Connection when its authorization ends": (
        {"family": "CUC", **CONTACT}, "2026-04-01", NO_OVERAGE, 0, Level.CRITICAL,
    ),
    "Unity Connection out of compliance": (
        {"family": "CUC", "out_of_compliance_since": moment(FIRST)}, "2026-03-01", SHORT, 31, Level.WARNING,
    ),
    "nothing is known": ({}, FIRST, NOTHING, None, Level.UNKNOWN),
    "not Smart Licensing": ({"model": "traditional", **CONTACT}, FIRST, NOTHING, None, Level.UNKNOWN),
    "a clock jumped back": (CONTACT, "2025-06-01", AUTHORIZED, 304, Level.UNKNOWN),
    "a clock jumped back behind the registration": (
        {"registered": moment(FIRST)},
        "2025-06-01",
        ("2026-01-31", "2026-04-01", "2026-06-30", "2027-01-01", "2026-06-30", None, "2026-04-01"),
        304,
        Level.UNKNOWN,
    ),
    "a clock jumped back behind the overage": (
        {"out_of_compliance_since": moment(FIRST)}, "2025-06-01", SHORT, 304, Level.UNKNOWN,
    ),
    "a clock is wrong by less than a day": (CONTACT, "2025-12-31T12:00:00", AUTHORIZED, 90, Level.OK),
    "a contact on a leap day": (
        {"last_contact": moment("2028-02-29")},
        "2028-03-01",
        ("2028-03-30", "2028-05-29", None, None, "2028-08-27", None, "2028-05-29"),
        89,
        Level.OK,
    ),
    "a contact while out of compliance ends no overage": (
        {"out_of_compliance_since": moment(FIRST), "last_contact": moment("2026-03-20")},
        "2026-03-21",
        ("2026-03-20T12:00:00", "2026-06-18", None, None, "2026-04-01", None, "2026-04-01"),
        89,
        Level.CRITICAL,
    ),
    "no licence is used, no contact for 104 days": (
        {"no_licences_in_use": True, "registered": moment(FIRST), **CONTACT},
        "2026-04-15",
        (None, None, "2026-06-30", "2027-01-01", None, None, None),
        None,
        Level.OK,
    ),
    "an evaluation that has ended": (
        {"evaluation_expired": moment(FIRST)},
        "2026-03-01",
        (None, None, None, None, None, "2026-01-01", "2026-01-01"),
        None,
        Level.CRITICAL,
    ),
    "a family without rules of its own": ({"family": "ISE", **CONTACT}, "2026-02-05", AUTHORIZED, 55, Level.WARNING),
    "an On-Prem whose token ended before its synchronisation is late": (
        {"model": "on_prem", "last_login": moment("2025-06-01"), **CONTACT},
        "2026-01-05",
        ("2026-01-31", "2025-11-28", None, None, None, None, None),
        -38,
        Level.CRITICAL,
    ),
    "registered with an On-Prem": (
        {"model": "classic_on_prem", "registered": moment(FIRST)},
        "2026-01-05",
        ("2026-01-31", "2026-04-01", "2026-02-01", "2026-04-04", "2026-06-30", None, "2026-04-01"),
        86,
        Level.OK,
    ),
    "only the next contact was printed": (
        {"printed_contact": moment("2026-01-31")}, "2026-02-05", AUTHORIZED, 55, Level.WARNING,
    ),
    "CUBE stops at its ACK deadline": (
        {"model": "policy", "family": "CUBE", "printed_deadline": moment("2026-06-01")},
        FIRST,
        (None, "2026-06-01", None, None, None, None, "2026-06-01"),
        151,
        Level.OK,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("known", "now", "expected", "days", "level"), CASES.values(), ids=CASES)
def test_clocks_follow_from_what_is_known(
    known: dict[str, Any], now: str, expected: tuple[str | None, ...], days: int | None, level: Level
) -> None:
    found = clocks(KnownOfClient(**known), moment(now))

    assert dates(found) == expected
    assert (found.days_left, found.level) == (days, level)


def test_a_date_says_whether_the_product_printed_it() -> None:
    estimate, printed = (clocks(KnownOfClient(**known), moment(FIRST)).deadline for known in (CONTACT, PRINTED))

    assert estimate is not None
    assert printed is not None
    assert (estimate.printed, printed.printed) == (False, True)
    assert estimate.rule == limit("authorization")


TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
FAMILIES = st.sampled_from(["", *(each.name for each in all_families())])


@given(TIMES, TIMES, TIMES, FAMILIES)
def test_no_clock_moves_backwards_by_a_later_contact(one: datetime, two: datetime, now: datetime, family: str) -> None:
    before, after = (
        clocks(KnownOfClient(family=family, last_contact=time, registered=one), now) for time in sorted((one, two))
    )

    pairs = zip(dates(before), dates(after), strict=True)
    assert all(earlier is None or (later is not None and earlier <= later) for earlier, later in pairs)


@given(TIMES, TIMES, st.integers(-14 * 60, 14 * 60))
def test_zones_change_no_clock(contact: datetime, now: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    here = clocks(KnownOfClient(last_contact=contact), now)
    there = clocks(KnownOfClient(last_contact=contact.astimezone(zone)), now.astimezone(zone))

    assert (here.days_left, here.level, here.enforced) == (there.days_left, there.level, there.enforced)


EVENTS = ("last_contact", "registered", "out_of_compliance_since", "authorization_expired", "last_login")
PRINTABLE = {
    "printed_contact": "contact",
    "printed_deadline": "deadline",
    "printed_certificate_renewal": "certificate_renewal",
    "printed_certificate_expiry": "certificate_expiry",
}
SOME: dict[str, Any] = {name: st.none() | TIMES for name in (*EVENTS, *PRINTABLE)}
KNOWN = st.builds(
    KnownOfClient,
    model=st.sampled_from(["classic", "classic_on_prem"]),
    family=FAMILIES,
    **SOME,
)


@given(KNOWN, TIMES)
def test_a_printed_date_replaces_every_estimate_of_its_kind(known: KnownOfClient, now: datetime) -> None:
    found = clocks(known, now)

    for name, clock in PRINTABLE.items():
        at, due = getattr(known, name), getattr(found, clock)
        assert due is None if at is None and due is None else (due.at == at and due.printed) == (at is not None)


@given(KNOWN, TIMES)
def test_nothing_is_enforced_before_a_date_that_is_shown(known: KnownOfClient, now: datetime) -> None:
    found = clocks(known, now)
    shown = [due.at for due in (found.deadline, found.overage_end, found.evaluation_end) if due is not None]

    assert found.enforced is None or found.enforced in shown


@pytest.mark.parametrize("model", ["classic", "classic_on_prem", "policy", "on_prem", "reserved"])
@given(st.sampled_from(EVENTS), TIMES, st.timedeltas(timedelta(days=2), timedelta(days=4000)))
def test_a_clock_that_went_back_raises_no_alarm(model: Any, event: str, at: datetime, back: timedelta) -> None:
    happened: dict[str, Any] = {event: at}
    known = KnownOfClient(model=model, **happened)

    assert clocks(known, at - back).level in (Level.OK if model == "reserved" else Level.UNKNOWN, Level.UNKNOWN)


@given(st.sampled_from(["reserved", "traditional"]), KNOWN, TIMES)
def test_a_reservation_has_no_clocks_whatever_is_known(model: Any, known: KnownOfClient, now: datetime) -> None:
    assert dates(clocks(structs.replace(known, model=model), now)) == NOTHING


@given(TIMES, st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_days_left_are_rounded_down(now: datetime, left: timedelta) -> None:
    days = days_until(now + left, now)

    assert timedelta(days=days) <= left < timedelta(days=days + 1)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_no_time_is_too_early_or_too_late(contact: datetime, now: datetime) -> None:
    known = KnownOfClient(last_contact=contact, registered=contact, evaluation_at=now, evaluation_left=timedelta.max)

    assert clocks(known, now).level in Level


@given(TIMES, TIMES)
def test_urgency_never_falls_while_nothing_happens(contact: datetime, later: datetime) -> None:
    now = max(contact, later)
    known = KnownOfClient(last_contact=contact)

    assert clocks(known, now).level <= clocks(known, now + timedelta(days=1)).level


def test_every_limit_has_a_length_or_is_printed() -> None:
    assert [each.name for each in all_limits() if not each.length] == ["acknowledgement", "report"]


def test_a_family_is_told_by_its_product_id() -> None:
    found = [family_of_pid(pid) for pid in ("UCM", "ucm", "CUC", "C9300-24P", None)]

    assert [each.name if each else "" for each in found] == ["CUCM", "CUCM", "CUC", "", ""]
