"""The row of a client: how it stands, and why, in words that say what to change."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from licensegate.app.observers.recent import Clients
from licensegate.app.overview.attention import attention
from licensegate.app.overview.causes import cause_named
from licensegate.app.overview.client_rows import KnownClient, client_row
from licensegate.app.overview.clients import ClientRow
from licensegate.language.language import ENGLISH
from licensegate.ledger.clients import NamedClient
from licensegate.ledger.entries import ClientHistory, ContactEntry
from licensegate.ledger.standing import ClientStanding, standing
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord
from support.ledger_entries import answer_of_product
from support.records import NOON, record
from unit.app.overview.test_attention import GATE

CUCM = NamedClient("CUCM-PUB Tokyo", product="CUCM")
SECOND = timedelta(seconds=1)


def stands(*, contact: timedelta | None = None, failure: timedelta | None = None, **said: Any) -> ClientStanding:
    """How CUCM stands at NOON, so long after its last daily contact and failure, by what its product said lately."""
    entry = ContactEntry(
        client=CUCM.key,
        target="none",
        last_success=None if contact is None else NOON - contact,
        last_failure=None if failure is None else NOON - failure,
        outcome="" if failure is None else "target_in_preset",
    )
    product = answer_of_product(-1, **said) if said else None
    times = () if contact is None else tuple(NOON - contact - timedelta(days=ago) for ago in range(10))
    return standing(CUCM, ClientHistory(contacts=(entry,), times=times, product=product), NOON)


def row(standing: ClientStanding, records: Sequence[TunnelRecord] = ()) -> ClientRow:
    clients = Clients()
    clients.observe(records)
    known = KnownClient(key=CUCM.key, product="CUCM", standing=standing, recent=tuple(clients.by_address.items()))
    return client_row(known, ENGLISH, NOON)


def code(of: ClientRow) -> str:
    """The code of what needs attention about a client."""
    (found,) = attention(GATE, [], [of], {}, [], ENGLISH, NOON)
    return found.code


def refusal(lasted: timedelta = SECOND) -> TunnelRecord:
    """A connection refused at NOON, which the ledger knows by the time of its end."""
    return record(
        Outcome.TARGET_IN_PRESET,
        after=-lasted.total_seconds(),
        total_ms=lasted.total_seconds() * 1000,
        requested="smartreceiver.cisco.com:443",
        target="smartreceiver.cisco.com:443",
        detail="cucm",
        finding="target_in_preset",
    )


@pytest.mark.parametrize("lasted", [timedelta(0), timedelta(milliseconds=12.3), SECOND], ids=str)
def test_a_failure_that_the_ledger_knows_too_keeps_its_details(lasted: timedelta) -> None:
    found = row(stands(failure=timedelta(0)), [refusal(lasted)])

    assert (found.level, found.finding) == ("warning", "target_in_preset")
    assert "smartreceiver.cisco.com:443" in found.sentence
    assert "cucm" in found.sentence
    assert found.remedy == "Add that preset to allowlist.presets."


def test_a_failure_that_only_the_ledger_knows_has_words_for_its_target() -> None:
    words = cause_named("", "target_not_allowed", ENGLISH, "CUCM-PUB Tokyo", "none")
    assert words.sentence == "Another target is not in the allowlist."


def test_a_failure_explains_a_silence() -> None:
    silent = row(stands(contact=timedelta(days=7)))
    found = row(stands(contact=timedelta(days=7), failure=timedelta(0)), [refusal()])

    assert "is silent for longer than usual" in silent.sentence
    assert "smartreceiver.cisco.com:443" in found.sentence


def test_the_end_of_the_authorization_comes_before_a_missed_contact() -> None:
    found = row(stands(contact=timedelta(days=75)))

    assert found.sentence.endswith("its authorization ends on 2026-03-17.")
    assert (found.level, code(found)) == ("warning", "client_silent")


def test_a_client_that_uses_too_many_licences_is_to_use_fewer() -> None:
    found = row(
        stands(
            contact=timedelta(hours=2),
            authorization_status="out_of_compliance",
            out_of_compliance_since=NOON - timedelta(days=80),
        )
    )

    assert found.sentence.startswith("The overage of CUCM-PUB Tokyo ends on 2026-03-12:")
    assert "use fewer" in found.remedy
    assert code(found) == "client_overage"


def test_an_expired_authorization_is_renewed_by_a_contact() -> None:
    expired = NOON - timedelta(days=5)
    found = row(
        stands(authorization_status="authorization_expired", authorization_expired=expired, authorization_ends=None)
    )

    assert "the path to the gate" in found.remedy
    assert (found.level, code(found)) == ("critical", "client_silent")
