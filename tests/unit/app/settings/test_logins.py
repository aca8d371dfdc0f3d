"""Login settings: which are accepted, which are refused."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.allowlist.rule import Rule
from licensegate.app.settings import Auth, Settings, SettingsError, load
from licensegate.proxy.auth.scheme import BY_CHALLENGE, DIGESTS, Scheme
from licensegate.proxy.auth.settings import LoginSettings

MD5, SHA = DIGESTS
BOTH_FILES = "htpasswd = 'users.htpasswd'\nhtdigest = 'users.htdigest'\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("users.htpasswd", "users.htdigest", "clients-ca.pem", "clients.crl", "nonce.key"):
        (tmp_path / name).write_text("")
    return tmp_path


def settings_of(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = folder / "gate.toml"
    path.write_text(text)
    return load(path, environ or {})


def test_without_any_source_of_logins_there_is_no_login() -> None:
    settings = load(None, {})

    assert settings.auth == Auth(LoginSettings())
    assert all(address.schemes is None for address in settings.listen)
    assert all(not rule.is_for_some for rule in settings.policy.rules)


def test_every_key_is_read(folder: Path) -> None:
    settings = settings_of(
        folder,
        """
        [[listen]]
        address = "0.0.0.0:3128"

        [[listen]]
        address = "0.0.0.0:443"
        auth = ["certificate"]

        [auth]
        required = true
        schemes = ["digest", "basic"]
        realm = "Licences"
        htpasswd = "users.htpasswd"
        htdigest = "users.htdigest"
        trusted_networks = ["10.1.2.3/32"]
        client_ca = "clients-ca.pem"
        client_crl = "clients.crl"
        nonce_key_file = "nonce.key"

        [[allowlist.rule]]
        host = "api.cisco.com"
        users = ["satellite"]
        networks = ["10.2.0.0/16"]
        certificates = ["ssm.example.net"]
        """,
    )

    assert settings.auth == Auth(
        LoginSettings(True, frozenset(Scheme), "Licences", (ip_network("10.1.2.3/32"),)),
        folder / "users.htpasswd",
        folder / "users.htdigest",
        folder / "nonce.key",
        frozenset(Scheme),
    )
    assert (settings.tls.client_ca, settings.tls.client_crl) == (folder / "clients-ca.pem", folder / "clients.crl")
    assert [address.schemes for address in settings.listen] == [None, {Scheme.CERTIFICATE}]
    assert settings.policy.rules[0] == Rule(
        "api.cisco.com",
        users=("satellite",),
        networks=(ip_network("10.2.0.0/16"),),
        certificates=("ssm.example.net",),
    )


@pytest.mark.parametrize(
    ("text", "schemes"),
    [
        pytest.param("htpasswd = 'users.htpasswd'", {Scheme.BASIC}, id="a file of passwords"),
        pytest.param("htdigest = 'users.htdigest'", {MD5, SHA}, id="a file for Digest"),
        pytest.param(BOTH_FILES, BY_CHALLENGE, id="both"),
        pytest.param("client_ca = 'clients-ca.pem'", {Scheme.CERTIFICATE}, id="an authority"),
        pytest.param(BOTH_FILES + "schemes = ['digest']", {MD5, SHA}, id="narrowed to Digest"),
        pytest.param(BOTH_FILES + "schemes = ['digest-sha-256', 'basic']", {SHA, Scheme.BASIC}, id="without MD5"),
        pytest.param(BOTH_FILES + "schemes = ['digest-md5']", {MD5}, id="MD5 alone"),
        pytest.param(
            BOTH_FILES + "client_ca = 'clients-ca.pem'\nschemes = ['basic']",
            {Scheme.BASIC, Scheme.CERTIFICATE},
            id="an authority's certificates count in any case",
        ),
    ],
)
def test_schemes_are_those_there_is_a_file_for_unless_they_are_narrowed(
    folder: Path, text: str, schemes: set[Scheme]
) -> None:
    assert settings_of(folder, f"[auth]\n{text}").auth.logins.schemes == schemes


def test_a_listener_may_have_any_scheme_there_is_a_file_for(folder: Path) -> None:
    listen = "[[listen]]\naddress = '127.0.0.1:3128'\nauth = ['basic', 'digest-md5']\n"

    settings = settings_of(folder, f"{listen}[auth]\n{BOTH_FILES}schemes = ['digest-sha-256']")

    assert settings.listen[0].schemes == frozenset({Scheme.BASIC, MD5})
    assert settings.auth.logins.schemes == {SHA}


REFUSED = {
    "required, and nobody could": (
        "[auth]\nrequired = true",
        "auth.required: nobody could log in; set auth.htpasswd, auth.htdigest or auth.client_ca",
    ),
    "a scheme without its file": (
        "[auth]\nhtpasswd = 'users.htpasswd'\nschemes = ['basic', 'digest']",
        'auth.schemes: "digest" has no file to check logins with; set auth.htdigest',
    ),
    "certificates without an authority": (
        f"[auth]\n{BOTH_FILES}schemes = ['certificate']",
        'auth.schemes: "certificate" has no file to check logins with; set auth.client_ca',
    ),
    "a scheme of no kind": (
        "[auth]\nschemes = ['ntlm']",
        'auth.schemes, item 1: "ntlm" is not one of "basic", "certificate", "digest", "digest-md5", "digest-sha-256"',
    ),
    "a listener's scheme without its file": (
        "[[listen]]\naddress = '127.0.0.1:1'\nauth = ['basic']",
        'listen, item 1, auth: "basic" has no file to check logins with; set auth.htpasswd',
    ),
    "a missing file": (
        "[auth]\nhtpasswd = 'gone.htpasswd'",
        "auth.htpasswd: {folder}/gone.htpasswd: No such file or directory; add a user to it with `licensegate passwd`",
    ),
    "a missing key": (
        "[auth]\nnonce_key_file = 'gone.key'",
        "auth.nonce_key_file: {folder}/gone.key: No such file or directory; make one with `openssl rand -hex 32`",
    ),
    "a list without an authority": (
        "[auth]\nclient_crl = 'clients.crl'",
        "auth.client_crl: a revocation list without a CA; set auth.client_ca too",
    ),
    "a trusted client by name": (
        "[auth]\ntrusted_networks = ['cucm']",
        'auth.trusted_networks, item 1: "cucm" is not a network; write one like "10.0.0.0/8" or "fd00::/8"',
    ),
    "a realm with a quote": (
        "[auth]\nrealm = 'a\"b'",
        'auth.realm: "a\\"b" is not a valid realm: a realm is plain letters, without quotes, colons or backslashes',
    ),
    "a realm with a colon": (
        "[auth]\nrealm = 'a:b'",
        'auth.realm: "a:b" is not a valid realm: a realm is plain letters, without quotes, colons or backslashes',
    ),
    "an empty realm": (
        "[auth]\nrealm = ''",
        'auth.realm: "" is not a valid realm: a realm is plain letters, without quotes, colons or backslashes',
    ),
    "a rule for a network by name": (
        "[[allowlist.rule]]\nhost = 'a.example'\nnetworks = ['lab']",
        'allowlist.rule, item 1, networks, item 1: "lab" is not a network; write one like "10.0.0.0/8" or "fd00::/8"',
    ),
    "a rule for a user that cannot be": (
        "[[allowlist.rule]]\nhost = 'a.example'\nusers = ['ok', '']",
        'allowlist.rule, item 1, users, item 2: "" is not a valid name: the user is empty',
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_invalid_login_settings_name_their_place_and_remedy(folder: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_of(folder, text)

    assert str(raised.value) == f"{folder}/gate.toml: {message.format(folder=folder)}"


def test_md5_cannot_be_the_only_scheme_where_it_is_not_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("licensegate.app.settings.logins.md5_works", lambda: False)

    settings_of(folder, f"[auth]\n{BOTH_FILES}schemes = ['digest']")
    with pytest.raises(SettingsError, match="this system does not allow MD5 \\(FIPS mode\\)"):
        settings_of(folder, f"[auth]\n{BOTH_FILES}schemes = ['digest-md5']")


def test_the_environment_sets_logins_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    environ = {
        "LICENSEGATE__AUTH__REQUIRED": "true",
        "LICENSEGATE__AUTH__HTPASSWD": "users.htpasswd",
        "LICENSEGATE__AUTH__SCHEMES": "basic",
    }

    assert load(None, environ).auth.logins == LoginSettings(True, frozenset({Scheme.BASIC}))
    with pytest.raises(SettingsError, match='LICENSEGATE__AUTH__SCHEMES: "ntlm" is not one of "basic"'):
        load(None, environ | {"LICENSEGATE__AUTH__SCHEMES": "basic,ntlm"})
