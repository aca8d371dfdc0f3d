"""Who may ask the admin server for what, as a table."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.app.admin.access import OPEN, Access, Asking, read_token
from licensegate.app.settings import SettingsError

TOKEN = "b7f0c1d2e3a4958677889900aabbccdd"
INSIDE, OUTSIDE = "10.1.2.3", "203.0.113.9"
NETWORKS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))

ALLOWED, FORBIDDEN, WANTS_TOKEN = 0, 403, 401


def status(asking: Asking, token: str = "") -> int:
    denial = Access(NETWORKS, token).denial(asking)
    return ALLOWED if denial is None else denial.status


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
    for path in OPEN:
        assert status(Asking(path, source)) == open_page
        assert status(Asking(path, source), TOKEN) == open_page
    for path in ("/", "/tunnels", "/refusals", "/clients", "/no-such-page", "/metrics/", "/Metrics", "//metrics", ""):
        assert status(Asking(path, source)) == page
        assert status(Asking(path, source), TOKEN) == page_with_a_token_set


@pytest.mark.parametrize("path", ["/metrics", "/clients", "/no-such-page"])
@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_whoever_has_the_token_may_see_all_from_everywhere(path: str, authorization: str) -> None:
    assert status(Asking(path, OUTSIDE, authorization=authorization), TOKEN) == ALLOWED


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
def test_whoever_has_another_is_as_one_without(authorization: str) -> None:
    assert status(Asking("/clients", INSIDE, authorization=authorization), TOKEN) == WANTS_TOKEN
    assert status(Asking("/metrics", INSIDE, authorization=authorization), TOKEN) == ALLOWED
    assert status(Asking("/metrics", OUTSIDE, authorization=authorization), TOKEN) == FORBIDDEN


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer  "])
def test_without_a_token_set_no_word_is_one(authorization: str) -> None:
    assert status(Asking("/clients", INSIDE, authorization=authorization)) == FORBIDDEN


@pytest.mark.parametrize("page", ["/clients", "/"])
def test_what_a_proxy_on_this_host_carries_is_not_from_this_host(page: str) -> None:
    assert status(Asking(page, "127.0.0.1", by_proxy=True)) == FORBIDDEN
    assert status(Asking(page, "127.0.0.1", by_proxy=True), TOKEN) == WANTS_TOKEN
    assert status(Asking(page, "127.0.0.1", by_proxy=True, authorization=f"Bearer {TOKEN}"), TOKEN) == ALLOWED


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
def test_a_page_of_another_name_that_was_led_here_sees_nothing(host: str, own: bool) -> None:
    assert status(Asking("/clients", "127.0.0.1", host=host)) == (ALLOWED if own else FORBIDDEN)


def test_a_denial_names_the_setting() -> None:
    def sentence(asking: Asking, token: str = "") -> str:
        denial = Access(NETWORKS, token).denial(asking)
        assert denial is not None
        return denial.sentence

    assert "203.0.113.9 is not in the networks" in sentence(Asking("/metrics", OUTSIDE))
    assert "admin.networks" in sentence(Asking("/metrics", OUTSIDE))
    assert "admin.token_file" in sentence(Asking("/clients", INSIDE))
    assert "admin.token_file" in sentence(Asking("/clients", INSIDE), TOKEN)
    assert TOKEN not in sentence(Asking("/clients", INSIDE), TOKEN)


def test_a_token_is_read_without_the_blanks_around_it(tmp_path: Path) -> None:
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
def test_a_file_without_a_token_is_refused_with_the_way_to_make_one(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "admin.token"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=r"admin\.token_file: .*holds no token.*openssl rand -hex 32"):
        read_token(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"admin\.token_file: cannot read .*gone: No such file"):
        read_token(tmp_path / "gone")
