"""`[[client]]` and `[ledger]`: what is built from them, and what is refused."""

import importlib.util
from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.app.settings import SettingsError
from licensegate.app.settings.ledger import client_notes
from licensegate.ledger.clients import NamedClient
from support.settings_file import settings_of

URL = "postgresql://gate:s3cret@db.test/ledger"


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_of(folder, text)
    return str(raised.value).replace(f"{folder}/", "")


def client(name: str, more: str) -> str:
    return f'[[client]]\nname = "{name}"\n{more}\n'


def test_a_client_has_what_the_file_says(tmp_path: Path) -> None:
    text = client("CUCM-PUB Tokyo", 'networks = ["10.1.2.3", "2001:db8::/64"]\nproduct = "cucm"\non_prem = true')

    (found,) = settings_of(tmp_path, text).named_clients

    networks = ip_network("10.1.2.3/32"), ip_network("2001:db8::/64")
    assert found == NamedClient("CUCM-PUB Tokyo", networks, product="CUCM", on_prem=True)


def test_a_client_may_have_contacts_by_hand_only(tmp_path: Path) -> None:
    (found,) = settings_of(tmp_path, client("A ship", "reserved = true")).named_clients

    assert found == NamedClient("A ship", reserved=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            client("A", 'networks = ["10.1.0.0/16"]') + client("B", 'networks = ["10.2.0.1", "10.1.2.3"]'),
            'gate.toml: client, item 2, networks: "10.1.2.3/32" is also a client of item 1, "A"; remove it from one of '
            "them",
            id="networks that overlap",
        ),
        pytest.param(
            client("A", 'users = ["pub", "sub"]') + client("B", 'users = ["sub"]'),
            'gate.toml: client, item 2, users: "sub" is also a client of item 1, "A"; remove it from one of them',
            id="a user of two",
        ),
        pytest.param(
            client("A", 'certificates = ["PUB.test"]') + client("B", 'certificates = ["pub.test"]'),
            'gate.toml: client, item 2, certificates: "pub.test" is also a client of item 1, "A"; remove it from one '
            "of them",
            id="a certificate of two",
        ),
        pytest.param(
            client("CUCM", 'users = ["a"]') + client("cucm", 'users = ["b"]'),
            'gate.toml: client, item 2, name: "cucm" is also the name of item 1; rename one of them',
            id="one name twice",
        ),
        pytest.param(
            client(" ", 'users = ["a"]'),
            'gate.toml: client, item 1, name: " " is not a name; write up to 100 printable characters',
            id="no name",
        ),
        pytest.param(
            client("a\\u0007", 'users = ["a"]'),
            'gate.toml: client, item 1, name: "a\\u0007" is not a name; write up to 100 printable characters',
            id="a bell in a name",
        ),
        pytest.param(
            client("A", 'networks = ["10.1.2.3/8"]'),
            'gate.toml: client, item 1, networks, item 1: "10.1.2.3/8" is an address inside a network; write '
            '"10.0.0.0/8", or the address alone',
            id="host bits",
        ),
        pytest.param(
            client("A", 'product = "ssm"\non_prem = true'),
            "gate.toml: client, item 1, on_prem: the product SSM is the SSM On-Prem itself; set on_prem for products "
            "that are registered with it",
            id="a satellite of a satellite",
        ),
        pytest.param(
            "[[client]]\nname = 'A'\naddress = '10.1.2.3'",
            'gate.toml: client, item 1: unknown key "address"; did you mean networks = ["10.1.2.3"]?',
            id="another word for networks",
        ),
    ],
)
def test_a_client_that_cannot_be_told_apart_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text) == message


def test_entries_that_another_key_tells_apart_are_taken(tmp_path: Path) -> None:
    both = 'networks = ["10.1.0.0/16"]\nusers = ["{}"]'

    found = settings_of(tmp_path, client("A", both.format("a")) + client("B", both.format("b"))).named_clients

    assert [each.name for each in found] == ["A", "B"]


_GENERAL = 'client "A": the product "{}" has no limits of its own, so the general ones apply; {}'
_FAMILIES = "CUCM, CUC, CER, UCCX, UCCE, Expressway, FMC, CUBE, SSM"


@pytest.mark.parametrize(
    ("product", "notes"),
    [
        pytest.param("cucm", [], id="known"),
        pytest.param("", [], id="none"),
        pytest.param("expresway", [_GENERAL.format("expresway", "did you mean Expressway?")], id="a slip"),
        pytest.param(
            "asa9", [_GENERAL.format("asa9", f"those with limits of their own are {_FAMILIES}")], id="another product"
        ),
    ],
)
def test_an_unknown_product_takes_the_general_limits(tmp_path: Path, product: str, notes: list[str]) -> None:
    settings = settings_of(tmp_path, client("A", f'product = "{product}"'))

    assert list(client_notes(settings.named_clients)) == notes


def test_the_ledger_is_a_file_in_the_state_directory(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, '[state]\ndirectory = "state"\n[ledger]\ndays = 30\n')

    assert settings.ledger.place.file == tmp_path / "state" / "ledger.sqlite3"
    assert settings.ledger.days == 30


def test_without_a_state_directory_there_is_no_ledger(tmp_path: Path) -> None:
    assert not settings_of(tmp_path, "").ledger.place.is_kept


def test_a_url_takes_the_place_of_the_file_and_hides_its_password(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f'[state]\ndirectory = "state"\n[ledger]\nurl = "{URL}"\n')

    assert settings.ledger.place.file is None
    assert str(settings.ledger.place) == "postgresql://gate:***@db.test/ledger"
    assert "s3cret" not in repr(settings)


def test_the_environment_may_hold_the_url(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "", {"LICENSEGATE__LEDGER__URL": URL})

    assert settings.ledger.place.url is not None
    assert settings.ledger.place.url.raw == URL.encode()
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("url", ["mysql://gate:s3cret@db/l", "postgresql://gate:s3cret@x@db/l", "gate:s3cret@db"])
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(tmp_path: Path, url: str) -> None:
    message = refusal(tmp_path, f'[ledger]\nurl = "{url}"\n')

    assert message.startswith("gate.toml: ledger.url: ")
    assert "s3cret" not in message


def test_postgresql_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert refusal(tmp_path, f'[ledger]\nurl = "{URL}"\n') == (
        "gate.toml: ledger.url: PostgreSQL needs the package psycopg; install the extra postgresql, as "
        "docs/ledger.md says"
    )
