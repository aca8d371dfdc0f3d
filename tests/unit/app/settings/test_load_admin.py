"""The settings of the admin server."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.app.settings import Looks, load
from licensegate.proxy.settings import ListenAddress
from support.settings_file import settings_of


def test_admin_networks_default_to_client_networks(tmp_path: Path) -> None:
    clients = "[clients]\nnetworks = ['10.0.0.0/8']\n"

    assert settings_of(tmp_path, clients).admin.networks == (ip_network("10.0.0.0/8"),)
    assert settings_of(tmp_path, f"{clients}[admin]\nnetworks = ['192.0.2.7']").admin.networks == (
        ip_network("192.0.2.7"),
    )


def test_named_admin_address_must_be_bound_and_empty_turns_it_off(tmp_path: Path) -> None:
    named = settings_of(tmp_path, "[admin]\nlisten = '0.0.0.0:9130'").admin.listen

    assert named == ListenAddress("0.0.0.0", 9130)
    assert named.named
    assert settings_of(tmp_path, "[admin]\nlisten = ''").admin.listen is None


@pytest.mark.parametrize("admin", ["127.0.0.1:3128", "[::]:9130", "127.0.0.2:9130", ""])
def test_listener_and_admin_server_may_differ_in_port_or_host(tmp_path: Path, admin: str) -> None:
    settings = settings_of(tmp_path, f"[[listen]]\naddress = '127.0.0.1:9130'\n[admin]\nlisten = '{admin}'")

    assert [str(address) for address in settings.listen] == ["127.0.0.1:9130"]
    assert str(settings.admin.listen or "") == admin


def test_the_remaining_admin_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("x")

    settings = settings_of(
        tmp_path, "[admin]\ntoken_file = 'admin.token'\nready_needs_upstream = true\n[probe]\nevery = '5m'"
    )

    assert settings.admin.token_file == tmp_path / "admin.token"
    assert settings.admin.ready_needs_upstream
    assert settings.probe_seconds == 300


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        pytest.param("", ListenAddress("0.0.0.0", 9130, named=False), id="unset"),
        pytest.param('[admin]\nlisten = ""\n', None, id="turned off"),
        pytest.param('[admin]\nlisten = "127.0.0.1:9130"\n', ListenAddress("127.0.0.1", 9130), id="set"),
    ],
)
def test_the_images_admin_address_gives_way_to_the_file(
    tmp_path: Path, text: str, listen: ListenAddress | None
) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    assert load(path, {"LICENSEGATE_ADMIN_DEFAULT": "0.0.0.0:9130"}).admin.listen == listen


def test_looks_are_every_six_hours_unless_set(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text("x")

    assert settings_of(tmp_path, "").looks == Looks(6 * 3600)
    assert settings_of(tmp_path, "[probe]\nhandshake = 'off'").looks == Looks(None)
    roots = tmp_path / "roots.pem"
    assert settings_of(tmp_path, "[probe]\nhandshake = '30m'\nroots = 'roots.pem'").looks == Looks(1800, roots)


def test_the_ca_of_a_rule_is_a_file_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("x")

    (rule, *_) = settings_of(tmp_path, "[[allowlist.rule]]\nhost = 's.example'\nca = 'own.pem'").policy.rules

    assert rule.ca == str(tmp_path / "own.pem")
