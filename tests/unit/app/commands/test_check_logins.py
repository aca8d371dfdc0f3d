"""What `licensegate check` reports and warns about logins."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.app.commands import check_logins
from licensegate.app.commands.check_report import report
from licensegate.app.settings import Settings, load
from licensegate.certs.pem import CertificateError
from licensegate.proxy.auth.user_files import LoginFileError
from support.certificates import issue, revoke
from support.logins import REALM, write_user_files

FILES = "htpasswd = 'users.htpasswd'\nhtdigest = 'users.htdigest'\n"
REQUIRED = f"[auth]\nrequired = true\n{FILES}"
AUTHORITY = issue("client authority", authority=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_user_files(tmp_path)
    AUTHORITY.write(tmp_path, stem="ca")
    (tmp_path / "nonce.key").write_text("ab" * 32)
    for name in ("users.htpasswd", "users.htdigest", "nonce.key"):
        (tmp_path / name).chmod(0o640)
    return tmp_path


def settings_of(folder: Path, text: str) -> Settings:
    path = folder / "gate.toml"
    path.write_text(text)
    return load(path, {})


def warned(folder: Path, text: str) -> list[str]:
    return [warning.replace(f"{folder}/", "") for warning in check_logins.warnings(settings_of(folder, text))]


def test_check_says_that_there_are_no_logins(folder: Path) -> None:
    assert check_logins.lines(settings_of(folder, "")) == ["no logins"]
    assert warned(folder, "") == []


def test_everything_in_force_is_shown(folder: Path) -> None:
    (folder / "clients.crl").write_bytes(revoke(AUTHORITY))
    settings = settings_of(
        folder,
        f"""
        [[listen]]
        address = "127.0.0.1:3128"
        [[listen]]
        address = "127.0.0.1:3129"
        auth = ["basic"]
        {REQUIRED}
        schemes = ["digest"]
        trusted_networks = ["10.1.2.3", "10.9.0.0/16"]
        client_ca = "ca.pem"
        client_crl = "clients.crl"
        nonce_key_file = "nonce.key"
        """,
    )

    assert [line.replace(f"{folder}/", "") for line in check_logins.lines(settings)] == [
        "required",
        "by digest-md5 or digest-sha-256 or certificate",
        "at 127.0.0.1:3129 by basic",
        "realm LicenseGate",
        "users.htpasswd: 1 known by password",
        "users.htdigest: 1 known by Digest",
        "nonces signed with the key in nonce.key",
        "certificates of ca.pem, except those in clients.crl",
        "no login needed from 10.1.2.3/32 and 10.9.0.0/16",
    ]


def test_clients_of_a_rule_are_shown_with_its_target(folder: Path) -> None:
    text = "[[allowlist.rule]]\nhost = 'api.cisco.com'\nusers = ['a', 'b']\nnetworks = ['10.2.0.0/16']"

    said = report(settings_of(folder, f"{REQUIRED}{text}"))

    assert "rule of your own; for users a or b; for networks 10.2.0.0/16" in said


def test_a_file_that_cannot_be_used_is_an_error_with_its_line(folder: Path) -> None:
    (folder / "users.htpasswd").write_text("cucm:plain\n")

    with pytest.raises(LoginFileError, match=r"users\.htpasswd, line 1: the hash is neither"):
        check_logins.lines(settings_of(folder, REQUIRED))


def test_a_file_readable_only_by_the_gate_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path.name != "users.htpasswd")

    said = check_logins.lines(settings_of(folder, REQUIRED))

    assert f"{folder}/users.htpasswd: not readable by this user" in said
    assert warned(folder, REQUIRED) == []


DOUBTFUL = {
    "an algorithm that somebody lacks": (
        REQUIRED,
        "b has no hash for digest-sha-256, so it is not offered",
    ),
    "everybody is trusted": (
        REQUIRED + "trusted_networks = ['0.0.0.0/0']",
        "auth.trusted_networks holds 0.0.0.0/0: nobody needs to log in",
    ),
    "Basic alone": (
        "[auth]\nrequired = true\nhtpasswd = 'users.htpasswd'",
        "only basic is offered, which Java does not use for a tunnel by default; add digest",
    ),
    "Basic alone at one listener": (
        "[[listen]]\naddress = '127.0.0.1:1'\nauth = ['basic']\n" + REQUIRED,
        "only basic is offered, which Java does not use for a tunnel by default; add digest",
    ),
    "a file that is not used": (
        REQUIRED + "schemes = ['digest']",
        "auth.htpasswd is set, but no list of schemes includes basic",
    ),
    "another file that is not used": (
        REQUIRED + "schemes = ['basic']",
        "auth.htdigest is set, but no list of schemes includes digest",
    ),
    "logins for nothing": (
        f"[auth]\n{FILES}",
        "no login is required, and no rule is for some users; set auth.required, or remove [auth]",
    ),
    "a rule for users without logins": (
        "[[allowlist.rule]]\nhost = 'a.example'\nusers = ['a']",
        "the rule for a.example:443 is for users, but nobody can log in; set auth.htpasswd or auth.htdigest",
    ),
    "a rule for nobody who is known": (
        REQUIRED + "[[allowlist.rule]]\nhost = 'a.example'\nusers = ['cucm-pub', 'satelite']",
        "the rule for a.example:443 is for satelite, who is in neither user file",
    ),
    "a rule for certificates without an authority": (
        "[[allowlist.rule]]\nhost = 'a.example'\ncertificates = ['a']",
        "the rule for a.example:443 is for certificates, but clients are not asked for one; set auth.client_ca",
    ),
}


@pytest.mark.parametrize(("text", "words"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_probable_mistake_is_a_warning(folder: Path, text: str, words: str) -> None:
    if "no hash" in words:
        with (folder / "users.htdigest").open("a") as file:
            file.write(f"b:{REALM}:{'0' * 32}\n")

    assert any(words in warning for warning in warned(folder, text))


@pytest.mark.parametrize("name", ["users.htpasswd", "users.htdigest", "nonce.key"])
def test_a_file_that_everybody_can_read_is_warned_of(folder: Path, name: str) -> None:
    (folder / name).chmod(0o644)

    assert warned(folder, f"{REQUIRED}nonce_key_file = 'nonce.key'") == [
        f"{name}: every user of this machine can read it; run chmod o= on it"
    ]


STRANGER = issue("another authority", authority=True)
LISTS = {
    "in order": (revoke(AUTHORITY, days=(-1, 30)), []),
    "run out": (revoke(AUTHORITY, days=(-9, -1)), ["list 1: expired on "]),
    "soon to run out": (revoke(AUTHORITY, days=(-1, 3)), ["list 1: expires on "]),
    "another authority's": (
        revoke(STRANGER, days=(-1, 30)),
        ["list 1: was issued by CN=another authority, which is not in ca.pem", "has no list of CN=client authority"],
    ),
    "one of the same name's": (
        revoke(issue("client authority", authority=True), days=(-1, 30)),
        ["list 1: its signature is not by the authority in ca.pem"],
    ),
}


@pytest.mark.parametrize(("lists", "words"), LISTS.values(), ids=LISTS.keys())
def test_revocation_lists_are_looked_at(folder: Path, lists: bytes, words: list[str]) -> None:
    (folder / "clients.crl").write_bytes(lists)

    said = warned(folder, f"{REQUIRED}client_ca = 'ca.pem'\nclient_crl = 'clients.crl'")

    assert len(said) == len(words)
    for warning, expected in zip(said, words, strict=True):
        assert warning.startswith("clients.crl")
        assert expected in warning


@pytest.mark.parametrize("wrong", ["ca.pem", "clients.crl"])
def test_client_ca_that_would_stop_the_gate_is_an_error(folder: Path, wrong: str) -> None:
    (folder / "clients.crl").write_bytes(revoke(AUTHORITY))
    (folder / wrong).write_text("none")
    crl = "client_crl = 'clients.crl'" if wrong == "clients.crl" else ""

    with pytest.raises(CertificateError, match=wrong):
        warned(folder, f"{REQUIRED}client_ca = 'ca.pem'\n{crl}")


def test_the_networks_of_a_rule_are_those_of_its_clients(folder: Path) -> None:
    text = "[[allowlist.rule]]\nhost = 'a.example'\nnetworks = ['10.2.0.0/16']"

    assert settings_of(folder, text).policy.rules[0].networks == (ip_network("10.2.0.0/16"),)
