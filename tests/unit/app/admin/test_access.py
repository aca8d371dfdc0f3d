"""Who may see which admin page, as a table."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.app.admin.access import Access, AccessRequest, Audience, read_token, sent_by_another_site
from licensegate.app.settings import SettingsError
from licensegate.language.language import JAPANESE

TOKEN = "b7f0c1d2e3a4958677889900aabbccdd"
INSIDE, OUTSIDE = "10.1.2.3", "203.0.113.9"
NETWORKS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))

ALLOWED, FORBIDDEN, WANTS_TOKEN = 0, 403, 401


def status(request: AccessRequest, audience: Audience, token: str = "") -> int:
    denied = Access(NETWORKS, token).denied(request, audience)
    return ALLOWED if denied is None else denied.status


@pytest.mark.parametrize(
    ("source", "open_page", "page", "page_with_a_token_set"),
    [
        pytest.param(INSIDE, ALLOWED, FORBIDDEN, WANTS_TOKEN, id="the networks"),
        pytest.param("fd00::1", ALLOWED, FORBIDDEN, WANTS_TOKEN, id="the networks by IPv6"),
        pytest.param("::ffff:10.1.2.3", ALLOWED, FORBIDDEN, WANTS_TOKEN, id="the networks by IPv4 inside IPv6"),
        pytest.param(OUTSIDE, FORBIDDEN, FORBIDDEN, WANTS_TOKEN, id="elsewhere"),
        pytest.param("127.0.0.1", ALLOWED, ALLOWED, ALLOWED, id="this host"),
        pytest.param("127.9.9.9", ALLOWED, ALLOWED, ALLOWED, id="this host by another address"),
        pytest.param("::1", ALLOWED, ALLOWED, ALLOWED, id="this host by IPv6"),
        pytest.param("::ffff:127.0.0.1", ALLOWED, ALLOWED, ALLOWED, id="this host by IPv4 inside IPv6"),
        pytest.param("", FORBIDDEN, FORBIDDEN, WANTS_TOKEN, id="nobody"),
    ],
)
def test_who_may_see_what(source: str, open_page: int, page: int, page_with_a_token_set: int) -> None:
    assert status(AccessRequest(source), Audience.OPEN) == open_page
    assert status(AccessRequest(source), Audience.OPEN, TOKEN) == open_page
    assert status(AccessRequest(source), Audience.TRUSTED) == page
    assert status(AccessRequest(source), Audience.TRUSTED, TOKEN) == page_with_a_token_set


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_the_token_opens_every_page_from_everywhere(audience: Audience, authorization: str) -> None:
    assert status(AccessRequest(OUTSIDE, authorization=authorization), audience, TOKEN) == ALLOWED


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0",
        f"Bearer {TOKEN.upper()}",
        "Bearer \udcff\udcfe",
        "Bearer é",
    ],
)
def test_a_wrong_token_counts_as_no_token(authorization: str) -> None:
    assert status(AccessRequest(INSIDE, authorization=authorization), Audience.TRUSTED, TOKEN) == WANTS_TOKEN
    assert status(AccessRequest(INSIDE, authorization=authorization), Audience.OPEN, TOKEN) == ALLOWED
    assert status(AccessRequest(OUTSIDE, authorization=authorization), Audience.OPEN, TOKEN) == FORBIDDEN


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer  "])
def test_an_empty_token_is_refused_when_none_is_set(authorization: str) -> None:
    assert status(AccessRequest(INSIDE, authorization=authorization), Audience.TRUSTED) == FORBIDDEN


def test_a_request_forwarded_by_a_local_proxy_is_not_from_this_host() -> None:
    assert status(AccessRequest("127.0.0.1", by_proxy=True), Audience.TRUSTED) == FORBIDDEN
    assert status(AccessRequest("127.0.0.1", by_proxy=True), Audience.TRUSTED, TOKEN) == WANTS_TOKEN
    assert (
        status(AccessRequest("127.0.0.1", by_proxy=True, authorization=f"Bearer {TOKEN}"), Audience.TRUSTED, TOKEN)
        == ALLOWED
    )


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:9130", True),
        ("127.0.0.1", True),
        ("[::1]:9130", True),
        ("localhost:9130", True),
        ("LOCALHOST", True),
        ("", True),
        ("evil.example", False),
        ("evil.example:9130", False),
        ("localhost.evil.example:9130", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_a_foreign_host_name_that_resolves_here_sees_nothing(host: str, own: bool) -> None:
    assert status(AccessRequest("127.0.0.1", host=host), Audience.TRUSTED) == (ALLOWED if own else FORBIDDEN)


def test_a_refusal_names_the_setting() -> None:
    def sentence(source: str, audience: Audience, token: str = "") -> str:
        denied = Access(NETWORKS, token).denied(AccessRequest(source), audience)
        assert denied is not None
        return denied.sentence

    assert "203.0.113.9 may not read this page" in sentence(OUTSIDE, Audience.OPEN)
    assert "admin.networks" in sentence(OUTSIDE, Audience.OPEN)
    assert "admin.token_file" in sentence(INSIDE, Audience.TRUSTED)
    assert "admin.token_file" in sentence(INSIDE, Audience.TRUSTED, TOKEN)
    assert TOKEN not in sentence(INSIDE, Audience.TRUSTED, TOKEN)


def test_a_token_is_read_without_surrounding_blanks(tmp_path: Path) -> None:
    file = tmp_path / "admin.token"
    file.write_text(f"  {TOKEN}\n\n")

    assert read_token(file) == TOKEN


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"short\n", id="too short"),
        pytest.param(b"two words of some length", id="two words"),
        pytest.param(b"a line of its own\n\nand another", id="two lines"),
        pytest.param("schlüssel-schlüssel".encode(), id="outside ASCII"),
        pytest.param(b"0123456789abcdef\x0001", id="a control character"),
    ],
)
def test_an_invalid_token_file_error_says_how_to_make_one(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "admin.token"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=r"admin\.token_file: .*holds no token.*openssl rand -hex 32"):
        read_token(file)


def test_an_unreadable_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"admin\.token_file: cannot read .*gone: No such file"):
        read_token(tmp_path / "gone")


@pytest.mark.parametrize("token", ["", TOKEN], ids=["without a token", "with a token"])
@pytest.mark.parametrize("source", [INSIDE, OUTSIDE, "127.0.0.1"])
def test_only_the_token_or_its_session_may_change_something(source: str, token: str) -> None:
    assert status(AccessRequest(source), Audience.CHANGES, token) == (WANTS_TOKEN if token else FORBIDDEN)
    assert status(AccessRequest(source, signed_in=True), Audience.CHANGES, token) == ALLOWED


@pytest.mark.parametrize("source", [INSIDE, OUTSIDE, "127.0.0.1", ""])
def test_anybody_sees_the_login_form(source: str) -> None:
    assert status(AccessRequest(source, host="evil.example", by_proxy=True), Audience.ANYBODY) == ALLOWED


def test_a_session_opens_every_page_from_everywhere() -> None:
    for audience in Audience:
        assert status(AccessRequest(OUTSIDE, by_proxy=True, signed_in=True), audience, TOKEN) == ALLOWED


@pytest.mark.parametrize(
    ("host", "origin", "fetch_site", "is_ours"),
    [
        pytest.param("gate:9130", "", "", True, id="no browser"),
        pytest.param("gate:9130", "http://gate:9130", "same-origin", True, id="our page"),
        pytest.param("gate:9130", "null", "same-origin", True, id="our page, which tells nobody where it is"),
        pytest.param("gate:9130", "null", "", True, id="the same in an old browser"),
        pytest.param("gate", "https://gate", "same-origin", True, id="behind a proxy that speaks TLS"),
        pytest.param("Gate:9130", "http://gate:9130", "", True, id="in capitals"),
        pytest.param("gate:9130", "http://gate:9131", "", False, id="another port"),
        pytest.param("gate:9130", "http://evil.example", "", False, id="another host"),
        pytest.param("gate:9130", "http://gate:9130", "cross-site", False, id="from another site"),
        pytest.param("gate:9130", "http://gate:9130", "same-site", False, id="from a neighbour"),
        pytest.param("gate:9130", "null", "none", False, id="from nowhere"),
        pytest.param("", "http://gate:9130", "", False, id="without a Host"),
        pytest.param("gate:9130", "gate:9130", "", False, id="an origin without a scheme"),
    ],
)
def test_a_form_counts_only_from_our_own_page(host: str, origin: str, fetch_site: str, is_ours: bool) -> None:
    refused = sent_by_another_site(AccessRequest(OUTSIDE, host=host, origin=origin, fetch_site=fetch_site))

    assert (refused is None) == is_ours


def test_a_refusal_is_said_in_the_language_of_the_request() -> None:
    denied = Access(NETWORKS).denied(AccessRequest(OUTSIDE), Audience.OPEN)

    assert denied is not None
    assert denied.in_language(JAPANESE) != denied.sentence
    assert OUTSIDE in denied.in_language(JAPANESE)
