"""What is taken from a request: language, cookies, pages and months of a query."""

from datetime import UTC, date, datetime

import pytest

from licensegate.app.admin.actions import page_to_open
from licensegate.app.admin.page import PageRequest
from licensegate.app.admin.requests import cookie_field, cookie_name, language_of_request
from licensegate.app.admin.screens import months_until


@pytest.mark.parametrize(
    ("query", "accept", "code", "chosen"),
    [
        ({}, "", "en", False),
        ({}, "ja,en;q=0.5", "ja", False),
        ({"lang": "en"}, "ja", "en", True),
        ({"lang": "ja-JP"}, "", "ja", True),
        ({"lang": "xx"}, "ja", "ja", False),
        ({"lang": "<script>"}, "", "en", False),
    ],
)
def test_the_query_picks_the_language_before_the_browser(
    query: dict[str, str], accept: str, code: str, chosen: bool
) -> None:
    language, is_chosen = language_of_request(query, accept)

    assert (language.code, is_chosen) == (code, chosen)


def test_a_cookie_over_tls_is_bound_to_host_and_tls() -> None:
    assert cookie_name(9130, tls=False) == "licensegate-9130"
    field = cookie_field(cookie_name(443, tls=True), "secret", tls=True)
    assert field == "__Host-licensegate-443=secret; Path=/; HttpOnly; SameSite=Strict; Secure"
    assert cookie_field("a", "", tls=False).endswith("; Max-Age=0")


@pytest.mark.parametrize(
    ("text", "page"), [("", 1), ("3", 3), ("0", 1), ("-1", 1), ("x", 1), ("9" * 50, 1), ("007", 7)]
)
def test_a_page_is_a_number_from_one_on(text: str, page: int) -> None:
    assert PageRequest("/clients", {"page": text}).page == page


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "0000-01", "2026-11-30", "x", "9999-12"])
def test_a_month_that_cannot_be_read_is_this_one(text: str) -> None:
    assert PageRequest("/evidence", {"month": text}).month == datetime.now(UTC).date().replace(day=1)


def test_a_month_is_its_first_day() -> None:
    assert PageRequest("/evidence", {"month": "2026-02"}).month == date(2026, 2, 1)


def test_the_last_twelve_months_end_with_this_one() -> None:
    months = months_until(date(2026, 2, 28))

    assert (months[0], months[-1], len(months)) == ("2025-03", "2026-02", 12)


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("/clients?q=a&page=2", "/clients?q=a&page=2"),
        ("/client?key=named:cucm", "/client?key=named:cucm"),
        ("", "/"),
        ("/login", "/"),
        ("/metrics", "/"),
        ("//evil.example/clients", "/"),
        ("/clients/../x", "/"),
        ("/clients#x", "/clients"),
    ],
)
def test_the_login_leads_to_pages_for_people_only(wanted: str, page: str) -> None:
    assert page_to_open(wanted) == page
