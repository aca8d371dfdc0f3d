"""Entries of a ledger. Imports the gate's code."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.entries import (
    AskEntry,
    ContactEntry,
    DayEntry,
    HourEntry,
    LedgerEntry,
    ManualEntry,
    ManualKind,
    NameEntry,
    ProductEntry,
    TextEntry,
)

TOKYO = ClientKey(ClientKind.NAMED, "CUCM-PUB Tokyo")
STRANGER = ClientKey(ClientKind.ADDRESS, "10.1.2.3")
TARGET = "tools.cisco.com:443"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    """A time so many hours after NOON."""
    return NOON + timedelta(hours=hours)


def success(client: ClientKey = TOKYO, hours: float = 0) -> list[LedgerEntry]:
    """The entries of one answered contact."""
    time = at(hours)
    return [
        DayEntry(
            client=client, target=TARGET, day=time.date(), connections=1, answered=1, from_client=600, to_client=500
        ),
        ContactEntry(client=client, target=TARGET, first_success=time, last_success=time),
        HourEntry(client=client, time=time),
    ]


def failed(
    client: ClientKey = TOKYO, hours: float = 0, outcome: str = "dns_timeout", finding: str = ""
) -> list[LedgerEntry]:
    """The entries of one contact that failed."""
    time = at(hours)
    return [
        DayEntry(client=client, target=TARGET, day=time.date(), connections=1, failed=1),
        ContactEntry(client=client, target=TARGET, last_failure=time, outcome=outcome, finding=finding),
    ]


def by_hand(
    what: ManualKind = ManualKind.CONTACT, hours: float = 0, client: ClientKey = TOKYO, note: str = ""
) -> ManualEntry:
    """Something recorded by hand."""
    return ManualEntry(
        client=client, what=what, time=at(hours), recorded=at(hours + 1), recorded_by="ann (uid 1000)", note=note
    )


def answer_of_product(hours: float = 0, client: ClientKey = TOKYO, **more: Any) -> ProductEntry:
    """What a product said: registered and authorized, with a last contact 10 days before NOON."""
    said: dict[str, Any] = {
        "registration_status": "registered",
        "authorization_status": "authorized",
        "last_contact": at(-240),
        "contact_due": at(480),
        "authorization_ends": at(1920),
        "registration_ends": at(4800),
    }
    return ProductEntry(client=client, said=at(hours), **said | more)


def named(name: str, client: ClientKey = STRANGER, hours: float = 0, **more: Any) -> NameEntry:
    """A name given by hand."""
    return NameEntry(client=client, name=name, named=at(hours), named_by="ann", **more)


def kept_text(text: str = "Smart Licensing is ENABLED", client: ClientKey = TOKYO, hours: float = 0) -> TextEntry:
    """A text of a product."""
    return TextEntry(client=client, kept=at(hours), kept_by="ann", text=text)


_times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))
_maybe = st.none() | _times
_names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)
_clients = st.builds(ClientKey, st.sampled_from(ClientKind), _names)
_counts = st.integers(0, 1 << 50)

any_entry: st.SearchStrategy[LedgerEntry] = st.one_of(
    st.builds(
        ContactEntry,
        client=_clients,
        target=_names,
        first_success=st.none() | _times,
        last_success=st.none() | _times,
        last_failure=st.none() | _times,
        outcome=_names | st.just(""),
        finding=_names | st.just(""),
    ),
    st.builds(
        DayEntry,
        client=_clients,
        target=_names,
        day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        connections=_counts,
        answered=_counts,
        failed=_counts,
        from_client=_counts,
        to_client=_counts,
    ),
    st.builds(AskEntry, client=_clients, settings=_names, again=_times, refused=_names | st.just("")),
    st.builds(HourEntry, client=_clients, time=_times),
    st.builds(
        NameEntry,
        client=_clients,
        name=_names | st.just(""),
        product=_names | st.just(""),
        on_prem=st.booleans(),
        reserved=st.booleans(),
        named=_times,
        named_by=_names,
    ),
    st.builds(
        TextEntry,
        client=_clients,
        kept=_times,
        kept_by=_names,
        printed=_maybe,
        text=st.text(st.characters(codec="utf-8", blacklist_characters="\0"), max_size=300),
    ),
    st.builds(
        ManualEntry,
        client=_clients,
        what=st.sampled_from(ManualKind),
        time=_times,
        recorded=_times,
        recorded_by=_names,
        note=_names | st.just(""),
    ),
    st.builds(
        ProductEntry,
        client=_clients,
        said=_times,
        registration_status=_names | st.just(""),
        authorization_status=_names | st.just(""),
        last_contact=_maybe,
        contact_failed=st.booleans(),
        registered=_maybe,
        out_of_compliance_since=_maybe,
        authorization_expired=_maybe,
        contact_due=_maybe,
        authorization_ends=_maybe,
        renewal_due=_maybe,
        registration_ends=_maybe,
        evaluation_ends=_maybe,
    ),
)
"""Any entry."""
