"""Where the ledger is kept, and that its password is never shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.ledger.place import LedgerPlace, masked, url_fault
from licensegate.records.secret import Secret

PASSWORD = "s3cr3t!"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://gate:{PASSWORD}@db.test/ledger", "postgresql://gate:***@db.test/ledger"),
        (f"postgresql://gate:{PASSWORD}@[2001:db8::1]:5432/l", "postgresql://gate:***@[2001:db8::1]:5432/l"),
        (
            f"postgresql://gate:{PASSWORD}@a,b:1/l?target_session_attrs=any",
            "postgresql://gate:***@a,b:1/l?target_session_attrs=any",
        ),
        (f"postgresql:///l?host=/run&password={PASSWORD}&user=g", "postgresql:///l?host=/run&password=***&user=g"),
        (f"postgresql://db.test/l?sslpassword={PASSWORD}", "postgresql://db.test/l?sslpassword=***"),
        (f"postgresql://gate:a@{PASSWORD}@db.test/l", "postgresql://gate:***@db.test/l"),
        (f"postgresql://gate:a/{PASSWORD}@db.test/l", "postgresql://gate:***@db.test/l"),
        ("postgresql://gate@db.test/ledger", "postgresql://gate@db.test/ledger"),
    ],
)
def test_a_password_is_masked(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert str(LedgerPlace(url=Secret(url.encode()))) == shown
    assert PASSWORD not in repr(LedgerPlace(url=Secret(url.encode())))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gate@db.test/ledger",
        "postgres://gate:pass%40word@db.test:5432/ledger",
        "postgresql:///ledger?host=/run/postgresql",
        "postgresql://a:1,[2001:db8::1]:2/ledger",
        "postgresql://gate@[2001:db8::1],[2001:db8::2]:5432?dbname=ledger",
    ],
)
def test_a_url_of_postgresql_is_taken(url: str) -> None:
    assert url_fault(url) == ""


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mysql://gate@db/ledger", "is not the URL"),
        ("host=db dbname=ledger", "has a blank"),
        ("/var/lib/ledger.db", "is not the URL"),
        (f"postgresql://gate:a@{PASSWORD}@db/ledger", "must be escaped"),
        (f"postgresql://gate:a/{PASSWORD}@db/ledger", "must be escaped"),
        (f"postgresql://gate:a#{PASSWORD}@db/ledger", "must be escaped"),
        ("postgresql://db:port/ledger", "must be escaped"),
        ("postgresql://[db/ledger", "has brackets"),
        ("postgresql://db]/ledger", "has brackets"),
        ("postgresql://a[2001:db8::1]/ledger", "has brackets"),
        ("postgresql://[2001:db8::1]a:5432/ledger", "has brackets"),
        ("postgresql://a,[db/ledger", "has brackets"),
    ],
)
def test_any_other_url_is_refused_without_quoting_it(url: str, fault: str) -> None:
    assert fault in url_fault(url)
    assert PASSWORD not in url_fault(url)


@given(st.text(min_size=1, max_size=40))
def test_a_password_of_any_text_is_masked(password: str) -> None:
    url = f"postgresql://gate:{password}@db/ledger"

    assert masked(url) == "postgresql://gate:***@db/ledger"
    assert isinstance(url_fault(url), str)


def test_places_are_compared_with_their_passwords() -> None:
    one, other = (LedgerPlace(url=Secret(f"postgresql://gate:{word}@db/l".encode())) for word in ("a", "b"))

    assert not one.is_same(other)
    assert one.is_same(LedgerPlace(url=Secret(b"postgresql://gate:a@db/l")))
    assert not one.is_same(LedgerPlace(Path("/ledger")))
    assert not LedgerPlace().is_kept
