"""`[[product]]`: what is built from it, and what is refused."""

from pathlib import Path

import pytest

from licensegate.app.settings import SettingsError
from support.authority import Authority
from support.settings_file import settings_of

CLIENTS = '[[client]]\nname = "CUCM-PUB"\n[[client]]\nname = "CUC"\n'
DIGITS = "0123456789abcdef" * 4


def product(more: str = "", client: str = "CUCM-PUB", address: str = "cucm.example.net") -> str:
    return (
        f'[[product]]\nclient = "{client}"\naddress = "{address}"\nusername = "reader"\n'
        f'password_file = "axl.password"\n{more}\n'
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "axl.password").write_text("s3cret\n")
    return tmp_path


def test_a_product_is_asked_at_port_8443_every_six_hours(folder: Path) -> None:
    (found,) = settings_of(folder, CLIENTS + product(client="cucm-pub")).products

    assert (found.client, found.address, found.every) == ("CUCM-PUB", "cucm.example.net:8443", 21600)
    assert found.password_file == folder / "axl.password"
    assert (found.ca, found.fingerprint) == (None, "")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("cucm.example.net:443", "cucm.example.net:443", id="host and port"),
        pytest.param("10.1.2.3", "10.1.2.3:8443", id="IPv4"),
        pytest.param("2001:db8::1", "[2001:db8::1]:8443", id="IPv6"),
        pytest.param("[2001:db8::1]:443", "[2001:db8::1]:443", id="IPv6 and port"),
    ],
)
def test_the_address_may_have_a_port(folder: Path, text: str, address: str) -> None:
    assert settings_of(folder, CLIENTS + product(address=text)).products[0].address == address


def test_a_fingerprint_is_taken_with_and_without_colons(folder: Path) -> None:
    colons = ":".join(DIGITS[at : at + 2].upper() for at in range(0, 64, 2))
    for text in (DIGITS, colons):
        settings = settings_of(folder, CLIENTS + product(f'certificate = "{text}"'))
        assert settings.products[0].fingerprint == DIGITS


def test_roots_are_taken(folder: Path) -> None:
    root = Authority(folder).root

    assert settings_of(folder, CLIENTS + product(f'ca = "{root.name}"')).products[0].ca == root


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(product(client="CUCM-SUB"), 'client: "CUCM-SUB" is not the name of a [[client]]', id="client"),
        pytest.param(product() + product(), 'item 2, client: "CUCM-PUB" is asked by item 1 too', id="asked twice"),
        pytest.param(product(address="https://cucm/"), "address: ", id="a URL"),
        pytest.param(product(address="cucm:0"), "port that is not from 1 to 65535", id="port 0"),
        pytest.param(product('every = "5h"'), 'every: "5h" is not from 6 to 24 hours', id="too often"),
        pytest.param(product('every = "off"'), 'every: "off" is not from 6 to 24 hours', id="off"),
        pytest.param(product('every = "often"'), 'every: "often" is not an interval', id="no interval"),
        pytest.param(product('certificate = "abcd"'), "is not a SHA-256 fingerprint", id="short fingerprint"),
        pytest.param(product('ca = "axl.password"'), "holds no certificate in PEM", id="no PEM"),
        pytest.param(product('ca = "absent.pem"'), "No such file or directory", id="no file"),
        pytest.param(product('axl_version = "x/../y"'), "axl_version: ", id="version"),
        pytest.param(product().replace('"reader"', '"a:b"'), "write a name without a colon", id="colon in the name"),
        pytest.param(product().replace("axl.password", "absent"), "password_file: ", id="no password file"),
        pytest.param(
            product("password = 's3cret'"), 'unknown key "password"; did you mean password_file?', id="password"
        ),
    ],
)
def test_a_product_that_cannot_be_asked_is_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(folder, CLIENTS + text)

    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_password_of_two_lines_is_refused_unseen(folder: Path) -> None:
    (folder / "axl.password").write_text("s3cret\nsecond")

    with pytest.raises(SettingsError, match="is not one line") as caught:
        settings_of(folder, CLIENTS + product())

    assert "s3cret" not in str(caught.value)
