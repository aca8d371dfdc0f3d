"""What a reload says of users, certificates and keys, and what the hash of the settings covers."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from licensegate.app.service.changes import at_start, changes, in_force, sentences
from licensegate.app.service.parts import Parts, read_parts, settings_hash
from licensegate.app.settings import load
from licensegate.records.setting_change import CERTIFICATE, CLIENT_AUTHORITIES, USERS
from support.certificates import issue, revoke
from support.logins import htpasswd_line

AUTHORITY = issue("clients", authority=True)
TOKEN, KEY = "first-token-of-many-characters", "ab" * 32
SETTINGS = """
[tls]
certificate = "gate.pem"
key = "gate.key"
[auth]
htpasswd = "users.htpasswd"
client_ca = "ca.pem"
client_crl = "clients.crl"
nonce_key_file = "nonce.key"
[admin]
token_file = "token"
[ledger]
url = "postgresql://gate:first-password@db.test/ledger"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    issue().write(tmp_path)
    AUTHORITY.write(tmp_path, stem="ca")
    (tmp_path / "clients.crl").write_bytes(revoke(AUTHORITY))
    (tmp_path / "users.htpasswd").write_text(htpasswd_line("ann") + htpasswd_line("bob"))
    (tmp_path / "nonce.key").write_text(KEY)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "gate.toml").write_text(SETTINGS)
    return tmp_path


def read(folder: Path, before: Parts | None = None) -> Parts:
    return read_parts(load(folder / "gate.toml", {}), before)


def new_certificate(folder: Path) -> None:
    issue().write(folder)


def other_users(folder: Path) -> None:
    (folder / "users.htpasswd").write_text(htpasswd_line("ann", "another") + htpasswd_line("cid"))


def revoked_certificate(folder: Path) -> None:
    (folder / "clients.crl").write_bytes(revoke(AUTHORITY, issue("revoked", AUTHORITY)))


def other_key(folder: Path) -> None:
    (folder / "nonce.key").write_text("cd" * 32)


def other_token(folder: Path) -> None:
    (folder / "token").write_text("second-token-of-many-characters")


def other_rule(folder: Path) -> None:
    (folder / "gate.toml").write_text(SETTINGS + '[[allowlist.rule]]\nhost = "ssm.test"\n')


def other_ledger_password(folder: Path) -> None:
    (folder / "gate.toml").write_text(SETTINGS.replace("first-password", "second-password"))


def other_ledger(folder: Path) -> None:
    (folder / "gate.toml").write_text(SETTINGS.replace("db.test", "db2.test"))


def no_change(folder: Path) -> None:
    """Change nothing."""


CHANGES: dict[Callable[[Path], None], list[str]] = {
    no_change: [],
    new_certificate: ["a new certificate is in force, SHA-256 "],
    other_users: ["1 user added: cid", "1 user removed: bob", "1 user with another password: ann"],
    revoked_certificate: ["other authorities or revocation lists for clients' certificates"],
    other_key: ["another key in auth.nonce_key_file"],
    other_token: ["another token in admin.token_file"],
    other_ledger_password: ["another password in ledger.url"],
    other_ledger: ['ledger.url from "postgresql://gate:***@db.test/ledger" to "postgresql://gate:***@db2.test/'],
    other_rule: ['allowlist.rule adds {host = "ssm.test", port = 443}', "policy "],
}


@pytest.mark.parametrize(("change", "begins"), CHANGES.items(), ids=[change.__name__ for change in CHANGES])
def test_each_change_is_named_and_no_secret_is(folder: Path, change: Callable[[Path], None], begins: list[str]) -> None:
    before = read(folder)
    served, users, was = before.certificate.value, before.authenticator_reloader.users, in_force(before)
    change(folder)
    after = read(folder, before)
    found = tuple(changes(before, served, users, after))

    text = sentences(found, was, in_force(after))
    said = text.split("; ") if begins else []

    assert bool(begins) or text == "nothing has changed"
    assert [line[: len(begin)] for line, begin in zip(said, begins, strict=True)] == begins
    assert not any(
        secret in line
        for line in (text, str(found))
        for secret in (TOKEN, "second-token", KEY, "cd" * 32, "$", "-password")
    )


def test_a_start_tells_what_the_files_hold(folder: Path) -> None:
    parts = read(folder)

    found = {change.setting: change for change in at_start(parts)}

    assert found["auth.htpasswd"].after == "users.htpasswd"
    assert found[USERS].added == ("ann", "bob")
    assert found[CERTIFICATE].after["sha256"] == parts.certificate.value.fingerprint
    assert found[CLIENT_AUTHORITIES].after == parts.certificate.value.client_trust


def test_a_change_of_the_certificate_has_both(folder: Path) -> None:
    before = read(folder)
    served, users = before.certificate.value, before.authenticator_reloader.users
    new_certificate(folder)

    (found,) = changes(before, served, users, read(folder, before))

    assert found.before["sha256"] == served.fingerprint != found.after["sha256"]
    assert found.after["not_after"].endswith("Z")


@pytest.mark.parametrize("change", [new_certificate, other_users, revoked_certificate, other_rule])
def test_the_hash_covers_what_is_in_force(folder: Path, change: Callable[[Path], None]) -> None:
    before = settings_hash(read(folder))
    change(folder)

    assert settings_hash(read(folder)) != before


def test_the_hash_is_that_of_json_as_every_program_writes_it(folder: Path) -> None:
    """As docs/changes.md describes it, with what `licensegate check --json` prints."""
    (folder / "parent.secret").write_text("of-the-parent")
    parent = '[[parent]]\nurl = "http://a.test:8080"\nusername = "Jürgen"\npassword_file = "parent.secret"\n'
    (folder / "gate.toml").write_text(SETTINGS + parent)
    parts = read(folder)
    settings = json.loads(msgspec.json.encode(parts.settings.written))
    settings["parent"][0]["username"] = "(set, not shown)"
    trusted = (folder / "ca.pem").read_bytes(), (folder / "clients.crl").read_bytes()
    authorities = hashlib.sha256(b"\n".join(text.strip() for text in trusted)).hexdigest()
    public = [settings, parts.certificate.value.fingerprint, authorities, ["ann", "bob"]]

    text = json.dumps(public, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert settings_hash(parts) == hashlib.sha256(text.encode()).hexdigest()[:12]


def same_users_with_other_passwords(folder: Path) -> None:
    (folder / "users.htpasswd").write_text(htpasswd_line("ann", "another") + htpasswd_line("bob", "another"))


@pytest.mark.parametrize(
    "change",
    [no_change, other_key, other_token, other_ledger_password, same_users_with_other_passwords],
)
def test_the_hash_says_nothing_of_passwords_and_keys(folder: Path, change: Callable[[Path], None]) -> None:
    before = settings_hash(read(folder))
    change(folder)

    assert settings_hash(read(folder)) == before
