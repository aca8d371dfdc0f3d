"""What a product's answer becomes in the ledger."""

from datetime import UTC, datetime

import pytest

from licensegate.ledger.product_words import product_entry
from licensegate.licensing.read import read
from support.axl import ANSWER
from support.ledger_entries import TOKYO
from support.licence_texts import text_of

SAID = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_an_answer_gives_its_dates_and_states() -> None:
    entry = product_entry(TOKYO, read(ANSWER), SAID)

    assert (entry.client, entry.said) == (TOKYO, SAID)
    assert (entry.registration_status, entry.authorization_status) == ("registered", "authorized")
    assert entry.authorization_ends == datetime(2026, 4, 1, 18, 55, 19, tzinfo=UTC)
    assert entry.registration_ends is not None
    assert entry.contact_due == datetime(2026, 2, 1, 19, 15, 19, tzinfo=UTC)


def test_the_last_contact_is_one_that_succeeded() -> None:
    entry = product_entry(TOKYO, read(ANSWER), SAID)

    assert entry.contact_failed
    assert entry.last_contact == datetime(2026, 1, 1, 18, 55, 19, tzinfo=UTC)


def test_an_evaluation_ends_after_the_time_that_is_left() -> None:
    entry = product_entry(TOKYO, read(text_of("ios-evaluation-summary").encode()), SAID)

    assert entry.authorization_status == "evaluation"
    assert entry.evaluation_ends is not None
    assert entry.evaluation_ends > SAID


@pytest.mark.parametrize("content", [b"", b"rubbish"])
def test_an_answer_without_dates_names_none(content: bytes) -> None:
    entry = product_entry(TOKYO, read(content), SAID)

    assert entry == type(entry)(client=TOKYO, said=SAID)
