"""The list of all clients: its order, its pages, and what a search finds."""

from ipaddress import ip_network

import pytest

from licensegate.ledger.clients import ClientKey, ClientKind, NamedClient
from licensegate.ledger.entries import ClientHistory, ContactEntry
from licensegate.ledger.naming import LedgerClient, ledger_client
from licensegate.ledger.standing import standing
from licensegate.ledger.summaries import MOST_ON_A_PAGE, ClientSummaries, ClientSummary
from support.ledger_entries import NOON, TARGET, at, named

TOKYO = NamedClient(
    "CUCM-PUB Tokyo", networks=(ip_network("10.1.0.0/16"),), users=("Pub",), certificates=("pub.example.net",)
)


def summary(client: LedgerClient, days: float) -> ClientSummary:
    """A client whose last contact was so many days ago."""
    time = at(-24 * days)
    contact = ContactEntry(client=client.key, target=TARGET, first_success=time, last_success=time)
    return ClientSummary(client, standing(client, ClientHistory((contact,)), NOON), (contact,))


def address(number: int, name: str = "") -> LedgerClient:
    key = ClientKey(ClientKind.ADDRESS, f"10.2.0.{number}")
    return ledger_client(key, {}, named(name, key))


SUMMARIES = ClientSummaries(
    [
        summary(address(1), 1),
        summary(address(2, "Zürich"), 95),
        summary(address(3, "aachen"), 95),
        summary(ledger_client(TOKYO.key, {TOKYO.name: TOKYO}, None), 40),
        summary(LedgerClient(ClientKey(ClientKind.LOGIN, "pub-2"), "pub-2"), 2),
    ],
    NOON,
)


def names(query: str = "", offset: int = 0, limit: int = 50) -> list[str]:
    return [each.client.name for each in SUMMARIES.page(query, offset, limit).clients]


def test_the_most_urgent_come_first_then_the_name_counts() -> None:
    assert names() == ["aachen", "Zürich", "CUCM-PUB Tokyo", "10.2.0.1", "pub-2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (" ZÜR ", ["Zürich"]),
        ("10.2.0.2", ["Zürich"]),
        ("10.1.200.3", ["CUCM-PUB Tokyo"]),
        ("PUB.example", ["CUCM-PUB Tokyo"]),
        ("pub-", ["pub-2"]),
        ("pub", ["CUCM-PUB Tokyo", "pub-2"]),
        ("%", []),
    ],
)
def test_a_search_goes_by_name_address_and_login(query: str, found: list[str]) -> None:
    assert names(query) == found


@pytest.mark.parametrize(
    ("offset", "limit", "found"),
    [(0, 2, ["aachen", "Zürich"]), (3, 2, ["10.2.0.1", "pub-2"]), (9, 2, []), (-5, 1, ["aachen"]), (0, -1, [])],
)
def test_a_page_is_a_part_of_what_was_found(offset: int, limit: int, found: list[str]) -> None:
    page = SUMMARIES.page("", offset, limit)

    assert [each.client.name for each in page.clients] == found
    assert page.total == 5


def test_a_page_is_bounded() -> None:
    many = ClientSummaries([summary(address(1), 1)] * (MOST_ON_A_PAGE + 1), NOON)

    assert len(many.page(limit=10**9).clients) == MOST_ON_A_PAGE
