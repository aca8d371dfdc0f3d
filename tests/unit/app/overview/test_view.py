"""Which clients are listed, in which order, and what a search finds."""

from datetime import timedelta

import pytest

from licensegate.app.observers.recent import Client
from licensegate.app.overview.client_rows import KnownClient, known_client
from licensegate.app.overview.identities import key_of, key_text
from licensegate.app.overview.known_clients import matches, needs_attention
from licensegate.app.overview.view import page_of
from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.records.outcome import Outcome
from support.records import NOON, tunnel
from unit.ledger.test_summaries import SUMMARIES


@pytest.mark.parametrize(
    ("wanted", "rows", "shown"),
    [(1, 0, (1, 1)), (1, 100, (1, 1)), (2, 101, (2, 2)), (3, 101, (2, 2)), (0, 5, (1, 1)), (-7, 500, (1, 5))],
)
def test_a_page_that_is_not_there_is_the_nearest_one(wanted: int, rows: int, shown: tuple[int, int]) -> None:
    assert page_of(wanted, rows, 100) == shown


KEYS = [
    ClientKey(ClientKind.NAMED, "CUCM Osaka"),
    ClientKey(ClientKind.LOGIN, "a:b"),
    ClientKey(ClientKind.CERTIFICATE, "<x>&y"),
    ClientKey(ClientKind.ADDRESS, "2001:db8::1"),
]


@pytest.mark.parametrize("key", KEYS, ids=key_text)
def test_a_key_is_read_from_its_text(key: ClientKey) -> None:
    assert key_of(key_text(key)) == key


@pytest.mark.parametrize("text", ["", ":", "named", "named:", "other:x", "NAMED:x"])
def test_a_text_that_is_no_key_is_none(text: str) -> None:
    assert key_of(text) is None


def known(*, failure: bool = False, name: str = "", named: bool = False) -> KnownClient:
    """A client with one recent connection."""
    client = Client(tunnel(user_agent="Java/17"))
    client.update(tunnel(Outcome.CONNECTION_TIMEOUT, finding="connection_timeout") if failure else tunnel(None))
    key = ClientKey(ClientKind.NAMED, "cucm") if named else ClientKey(ClientKind.ADDRESS, "10.1.2.3")
    return KnownClient(key=key, given_name=name, product="CUCM", recent=(("10.1.2.3", client),))


@pytest.mark.parametrize("query", ["", " ", "osaka", "10.1.2", "cucm", "JAVA"])
def test_a_search_finds_names_addresses_products_and_programs(query: str) -> None:
    assert matches(known(name="CUCM Osaka"), query)


@pytest.mark.parametrize("query", ["tokyo", "10.9", "<", "address:"])
def test_a_search_finds_nothing_else(query: str) -> None:
    assert not matches(known(name="CUCM Osaka"), query)


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
    assert [each.client.name for each in SUMMARIES if matches(known_client(each), query)] == found


def test_a_failing_client_needs_attention_an_unknown_one_only_if_named() -> None:
    assert needs_attention(known(failure=True), NOON)
    assert not needs_attention(known(), NOON)
    assert needs_attention(known(named=True), NOON)


def test_a_nameless_client_that_left_long_ago_needs_none() -> None:
    assert not needs_attention(known(failure=True), NOON + timedelta(days=121))
