"""What of a client's history is evidence of one month."""

from datetime import date, timedelta

import pytest

from licensegate.ledger.clients import NamedClient
from licensegate.ledger.dossier import LedgerDay, MonthEvidence, month_after, month_evidence
from licensegate.ledger.entries import ClientHistory, ContactEntry, ManualEntry, ManualKind
from licensegate.ledger.naming import ledger_client
from support.ledger_entries import NOON, TARGET, TOKYO, answer_of_product, at, by_hand

MARCH = date(2026, 3, 2)
CLIENT = ledger_client(TOKYO, {TOKYO.name: NamedClient(TOKYO.name)}, None)


def evidence(
    *days: LedgerDay, manual: tuple[ManualEntry, ...] = (), month: date = MARCH, later: int = 60
) -> MonthEvidence:
    return month_evidence(CLIENT, ClientHistory(manual=manual), days, (), month, NOON + timedelta(days=later))


def answered(day: int, month: int = 3) -> LedgerDay:
    return LedgerDay(date(2026, month, day), connections=2, answered=1, failed=1)


def test_a_month_has_each_of_its_days() -> None:
    found = evidence(answered(28, month=2), answered(1), answered(31), answered(1, month=4))

    assert [each.day for each in found.days if each.connections] == [date(2026, 3, 1), date(2026, 3, 31)]
    assert (len(found.days), found.days_with_contact, found.longest_gap_days) == (31, 2, 29)


def test_a_month_that_is_not_over_ends_today() -> None:
    assert [each.day.day for each in evidence(later=1).days] == [1, 2, 3]


def test_a_month_to_come_has_no_days() -> None:
    found = evidence(month=date(2026, 9, 1))

    assert (found.days, found.longest_gap_days) == ((), 0)


def test_a_day_without_an_answer_is_none_with_a_contact() -> None:
    assert evidence(LedgerDay(date(2026, 3, 4), connections=1, failed=1)).days_with_contact == 0


@pytest.mark.parametrize(("what", "days"), [(ManualKind.CONTACT, 1), (ManualKind.LOGIN, 0)])
def test_a_contact_by_hand_counts_and_a_login_does_not(what: ManualKind, days: int) -> None:
    found = evidence(manual=(by_hand(what), by_hand(what, hours=24 * 40)))

    assert found.manual == (by_hand(what),)
    assert found.days_with_contact == days


def test_words_and_failures_are_those_of_the_month() -> None:
    failed = ContactEntry(client=TOKYO, target=TARGET, last_failure=at(1), finding="dns_down")
    before = ContactEntry(client=TOKYO, target="other:443", last_failure=at(-72))
    words = [answer_of_product(9), answer_of_product(-72), answer_of_product(5)]

    found = month_evidence(CLIENT, ClientHistory((failed, before)), (), words, MARCH, at(24))

    assert found.failures == (failed,)
    assert [word.said for word in found.words] == [at(5), at(9)]


def test_the_month_after_december_is_january() -> None:
    assert month_after(date(2026, 12, 31)) == date(2027, 1, 1)
    assert month_after(date(2028, 1, 31)) == date(2028, 2, 1)
