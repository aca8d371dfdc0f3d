"""The list of all clients and its order."""

from ipaddress import ip_network

from licensegate.ledger.clients import ClientKey, ClientKind, NamedClient
from licensegate.ledger.entries import ClientHistory, ContactEntry
from licensegate.ledger.naming import LedgerClient, ledger_client
from licensegate.ledger.standing import standing
from licensegate.ledger.summaries import ClientSummary, by_urgency
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


SUMMARIES = by_urgency(
    [
        summary(address(1), 1),
        summary(address(2, "Zürich"), 95),
        summary(address(3, "aachen"), 95),
        summary(ledger_client(TOKYO.key, {TOKYO.name: TOKYO}, None), 40),
        summary(LedgerClient(ClientKey(ClientKind.LOGIN, "pub-2"), "pub-2"), 2),
    ]
)


def test_the_most_urgent_come_first_then_the_name_counts() -> None:
    names = [each.client.name for each in SUMMARIES]
    assert names == ["aachen", "Zürich", "CUCM-PUB Tokyo", "10.2.0.1", "pub-2"]
