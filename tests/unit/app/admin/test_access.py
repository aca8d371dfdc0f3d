"""Who may see which admin page, as a table."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.app.admin.access import Access, AccessRequest, Audience, read_token
from licensegate.app.settings import SettingsError

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
