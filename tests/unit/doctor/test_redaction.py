"""Secrets are removed from text, in every form in which they may stand there."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from msgspec import structs

from licensegate.doctor.path.login import ClientLogin
from licensegate.doctor.redaction import Redactor, known_secrets
from licensegate.doctor.step import failed
from licensegate.ledger.place import LedgerPlace, LedgerSettings
from licensegate.records.secret import Secret
from licensegate.records.text import printable
from support.settings_file import settings_of

SECRETS = ("correct-horse", 'quo"te\\back', "pässwört", "a+b/c=d e&f")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(str, id="plain"),
        pytest.param(json.dumps, id="JSON in ASCII"),
        pytest.param(lambda text: json.dumps(text, ensure_ascii=False), id="JSON"),
        pytest.param(lambda text: quote(text, safe=""), id="URL"),
        pytest.param(lambda text: printable(text.encode()), id="printable"),
        pytest.param(lambda text: base64.b64encode(text.encode()).decode(), id="base64"),
        pytest.param(lambda text: base64.urlsafe_b64encode(text.encode()).decode(), id="base64 for URLs"),
        pytest.param(lambda text: base64.b64encode(f"{text}:more".encode()).decode(), id="base64 that goes on"),
    ],
)
def test_a_known_secret_is_removed_in_every_form(secret: str, write: object) -> None:
    assert callable(write)
    written = write(secret).strip('"')
    cleaned = Redactor([secret]).clean(f"before {written} after")
    assert "[removed]" in cleaned
    assert written not in cleaned


def test_a_longer_secret_is_removed_before_one_within_it() -> None:
    assert Redactor(["hush", "hush-hush"]).clean("hush-hush") == "[removed]"


def test_private_keys_and_logins_in_urls_are_removed_unknown() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIhush\n-----END PRIVATE KEY-----"
    cleaned = Redactor([]).clean(
        f"a {key} b http://user:hush@proxy.example:8080/ c -----BEGIN RSA PRIVATE KEY-----\ncut"
    )
    assert cleaned == "a [removed] b http://...@proxy.example:8080/ c [removed]"


def test_a_password_in_the_ledgers_url_is_known(tmp_path: Path) -> None:
    url = Secret(b"postgresql://gate:one%40two@db.example/ledger?sslpassword=three-four")
    ledger = LedgerSettings(LedgerPlace(url=url))
    known = known_secrets(structs.replace(settings_of(tmp_path, ""), ledger=ledger), {}, None)
    assert set(known) == {"one%40two", "one@two", "three-four"}


def test_a_certificate_is_kept() -> None:
    text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    assert Redactor(["nothing-here"]).clean(text) == text


def test_a_result_is_cleaned_in_both_texts() -> None:
    assert Redactor(["hush"]).clean_result(failed("saw hush", "change hush")) == failed(
        "saw [removed]", "change [removed]"
    )


def test_every_secret_of_the_settings_is_known(tmp_path: Path) -> None:
    contents = {
        "admin.token": "admin-token-0123456789\n",
        "users.htpasswd": "cucm:$2b$05$htpasswdhash\n",
        "users.htdigest": f"cucm:LicenseGate:{'d' * 32}\n",
        "nonce.key": "n" * 43,
        "parent.secret": "parent-password\n",
        "axl.secret": "product-password\n",
        "gate.pem": "",
        "gate.key": "-----BEGIN PRIVATE KEY-----\nkey-body-line\n-----END PRIVATE KEY-----\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    settings = settings_of(
        tmp_path,
        '[admin]\ntoken_file = "admin.token"\n[auth]\nhtpasswd = "users.htpasswd"\nhtdigest = "users.htdigest"\n'
        'nonce_key_file = "nonce.key"\n[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n'
        '[[parent]]\nurl = "http://a.example:1"\nusername = "svc"\npassword_file = "parent.secret"\n'
        '[[parent]]\nurl = "http://b.example:1"\nusername = "svc"\npassword_env = "OTHER"\n'
        '[[client]]\nname = "pub"\nnetworks = ["10.1.1.1"]\n'
        '[[product]]\nclient = "pub"\naddress = "pub.example"\nusername = "axl"\npassword_file = "axl.secret"\n',
        {"OTHER": "env-password"},
    )
    environ = {"MY_TOKEN": "telling-name", "https_proxy": "http://u:proxy-word@h:1", "HOME": "/root", "LANG": "de_DE"}
    known = known_secrets(settings, environ, ClientLogin("cucm", Secret(b"typed-password")))
    expected = {
        "admin-token-0123456789", "$2b$05$htpasswdhash", "d" * 32, "n" * 43, "parent-password", "env-password",
        "key-body-line", "telling-name", "proxy-word", "typed-password", "svc:parent-password", "cucm:typed-password",
        "product-password", "axl:product-password",
    }  # fmt: skip
    assert expected <= set(known)
    assert {"/root", "de_DE"}.isdisjoint(known)
