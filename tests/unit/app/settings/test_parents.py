"""`[[parent]]`: valid and invalid tables."""

import re
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import pytest

from licensegate.app.settings import Settings, SettingsError, load
from licensegate.app.version import version
from licensegate.proxy.parent.settings import ParentAuth, ParentLogin, ParentProxy, ParentSettings, ParentTarget
from licensegate.records.outcome import Outcome, Stage
from support.certificates import issue

MANUAL = (Path(__file__).parents[4] / "docs" / "parents.md").read_text()
GATE = f"LicenseGate/{version()}"
URL = 'url = "http://proxy.example.net:8080"'


def settings_of(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = folder / "gate.toml"
    path.write_text(text)
    (folder / "parent.secret").write_text("hush\n")
    (folder / "keytab").write_text("")
    (folder / "empty").write_text("")
    (folder / "two").write_text("user\nhush\n")
    issue(authority=True).write(folder, stem="root")
    return load(path, environ or {})


def refusal(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_of(folder, text, environ)
    return str(raised.value).replace(f"{folder}/", "").removeprefix("gate.toml: ")


def table(*lines: str) -> str:
    return "\n".join(["[[parent]]", *lines, ""])


def test_without_a_parent_targets_are_dialled_directly() -> None:
    assert load(None, {}).parents == ParentSettings(proxies=(), direct=True)


def test_parents_keep_their_order_and_exclude_direct_dials(tmp_path: Path) -> None:
    parents = settings_of(tmp_path, table(URL) + table('url = "https://[2001:db8::1]:443/"')).parents

    assert parents.proxies == (
        ParentProxy("proxy.example.net", 8080, user_agent=GATE),
        ParentProxy("2001:db8::1", 443, tls=True, user_agent=GATE),
    )
    assert not parents.direct
    assert [str(parent) for parent in parents.proxies] == ["http://proxy.example.net:8080", "https://[2001:db8::1]:443"]


@pytest.mark.parametrize("before", ["", table(URL)], ids=["alone", "after a proxy"])
def test_direct_may_be_the_last_entry(tmp_path: Path, before: str) -> None:
    parents = settings_of(tmp_path, before + table('url = "direct"')).parents

    assert parents.direct
    assert len(parents.proxies) == bool(before)


def test_every_key_of_a_parent_is_read(tmp_path: Path) -> None:
    text = table(
        'url = "https://Proxy.Example.Net:8443"',
        'auth = "ntlm"',
        "username = 'CORP\\svc'",
        'password_file = "parent.secret"',
        'ca = "root.pem"',
        'target = "address"',
        "seconds = 2.5",
        'user_agent = "curl/8.5.0 (branch office)"',
    )

    (parent,) = settings_of(tmp_path, text).parents.proxies
    assert parent == ParentProxy(
        host="proxy.example.net",
        port=8443,
        tls=True,
        ca=tmp_path / "root.pem",
        login=ParentLogin(ParentAuth.NTLM, "CORP\\svc", tmp_path / "parent.secret"),
        target=ParentTarget.ADDRESS,
        seconds=2.5,
        user_agent="curl/8.5.0 (branch office)",
    )


@pytest.mark.parametrize("text", ["a\\r\\nX: y", "jürgen", "a\\u0000", " curl", "\\t"])
def test_a_user_agent_that_is_no_field_value_is_refused(tmp_path: Path, text: str) -> None:
    said = refusal(tmp_path, table(URL, f'user_agent = "{text}"'))

    assert said.startswith("parent, item 1, user_agent: ")
    assert said.endswith("is not a line of ASCII characters")


def test_a_password_from_the_environment_is_in_no_repr(tmp_path: Path) -> None:
    text = table(URL, 'username = "svc"', 'password_env = "PROXY_PASSWORD"')

    settings = settings_of(tmp_path, text, {"PROXY_PASSWORD": "hush hush"})
    (parent,) = settings.parents.proxies
    assert parent.login.password is not None
    assert parent.login.password.raw == b"hush hush"
    assert parent.login.password_env == "PROXY_PASSWORD"
    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)


def test_parents_may_come_from_the_environment_without_a_login() -> None:
    parents = load(None, {"LICENSEGATE__PARENT": "http://proxy.example.net:8080, direct"}).parents

    assert parents.proxies == (ParentProxy("proxy.example.net", 8080, user_agent=GATE),)
    assert parents.direct


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (['auth = "negotiate"'], ParentLogin(ParentAuth.NEGOTIATE)),
        (['auth = "negotiate"', 'keytab = "keytab"'], ParentLogin(ParentAuth.NEGOTIATE, keytab=Path("keytab"))),
        (
            ['ticket_cache = "FILE:/run/tickets"', 'username = "svc@CORP"'],
            ParentLogin(username="svc@CORP", ticket_cache="FILE:/run/tickets"),
        ),
        (['auth = "none"'], ParentLogin(ParentAuth.NONE)),
    ],
    ids=["the environment's tickets", "a keytab", "a ticket cache", "none"],
)
def test_not_every_login_has_a_password(tmp_path: Path, login: list[str], expected: ParentLogin) -> None:
    with patch("licensegate.app.settings.parents.kerberos_is_installed", return_value=True):
        (parent,) = settings_of(tmp_path, table(URL, *login)).parents.proxies

    keytab = parent.login.keytab
    assert (keytab and Path(keytab.name)) == expected.keytab
    for part in ("auth", "username", "ticket_cache", "password_file", "password"):
        assert getattr(parent.login, part) == getattr(expected, part)


SECRET = ('username = "svc"', 'password_file = "parent.secret"')
REFUSED = {
    "direct before a proxy": (
        table('url = "direct"') + table(URL),
        'parent, item 1, url: "direct" stands before a proxy, which would never be used; move it to the end',
    ),
    "direct with more": (table('url = "direct"', "seconds = 9"), 'item 1, url: "direct" is not a proxy'),
    "the same twice": (table(URL) + table(URL, 'auth = "none"'), "parent, item 2, url: "),
    "no port": (table('url = "http://proxy.example.net"'), "write http://HOST:PORT or https://HOST:PORT"),
    "another scheme": (table('url = "socks5://proxy.example.net:1080"'), "is not the URL of a proxy"),
    "a path": (table('url = "http://proxy.example.net:8080/proxy.pac"'), "is not the URL of a proxy"),
    "a login in the URL": (
        table('url = "http://svc:hush@proxy.example.net:8080"'),
        '"http://...@proxy.example.net:8080" has a login in it; set username and password_file instead',
    ),
    "an @ in a password": (table('url = "svc:h@hush@proxy:8080"'), 'url: "...@proxy:8080" has a login'),
    "no host": (table('url = "http://:8080"'), "is not a host"),
    "a port too high": (table('url = "http://proxy.example.net:80800"'), "has the port 80800"),
    "an address in no brackets": (table('url = "http://2001:db8::1:8080"'), "is not the URL of a proxy"),
    "no url": (table('auth = "none"'), "parent, item 1: url is missing"),
    "an unknown way": (table(URL, 'auth = "kerberos"'), 'is not one of "auto", "none", "basic"'),
    "two passwords": (
        table(URL, *SECRET, 'password_env = "X"'),
        "parent, item 1, password_env: password_file is set too; remove one of them",
    ),
    "no such variable": (
        table(URL, 'username = "svc"', 'password_env = "NOWHERE"'),
        "parent, item 1, password_env: there is no such environment variable; write the name of one here, and",
    ),
    "an empty variable": (
        table(URL, 'username = "svc"', 'password_env = "EMPTY"'),
        "the value of EMPTY is not one line",
    ),
    "no such file": (table(URL, 'username = "svc"', 'password_file = "gone"'), "gone: No such file or directory"),
    "a folder": (table(URL, 'username = "svc"', 'password_file = "."'), "it is a directory, not a regular file"),
    "an empty file": (
        table(URL, 'username = "svc"', 'password_file = "empty"'),
        "the content of empty is not one line",
    ),
    "two lines": (table(URL, 'username = "svc"', 'password_file = "two"'), "the content of two is not one line"),
    "a password without a name": (
        table(URL, 'password_file = "parent.secret"'),
        "username: there is a password but no",
    ),
    "a name without a password": (table(URL, 'username = "svc"'), "there is no password for it"),
    "basic without a password": (table(URL, 'auth = "basic"', 'username = "svc"'), '"basic" needs a username, and a'),
    "digest with a keytab": (table(URL, 'auth = "digest"', 'keytab = "keytab"'), '"digest" needs a username, and a'),
    "a colon for Basic": (table(URL, 'auth = "basic"', 'username = "a:b"', SECRET[1]), "contains a colon"),
    "a name with a line end": (table(URL, 'username = "a\\nb"', SECRET[1]), "cannot be printed"),
    "a backslash in double quotes": (
        table(URL, 'username = "CORP\\tom"', SECRET[1]),
        "belongs in single quotes: 'CORP",
    ),
    "auth none with a login": (table(URL, 'auth = "none"', *SECRET), '"none" never logs in'),
    "a keytab and a password": (table(URL, *SECRET, 'keytab = "keytab"'), "keytab: a password is set too"),
    "a keytab and a cache": (table(URL, 'keytab = "keytab"', 'ticket_cache = "x"'), "keytab is set too"),
    "no such keytab": (table(URL, 'keytab = "gone"'), "gone: No such file or directory"),
    "roots without TLS": (
        table(URL, 'ca = "root.pem"'),
        "the roots are for https:// proxies only; write https:// in url, or remove ca",
    ),
    "roots that are none": (
        table('url = "https://proxy.example.net:8443"', 'ca = "keytab"'),
        "ca: keytab holds no certificate in PEM",
    ),
    "no such roots": (
        table('url = "https://proxy.example.net:8443"', 'ca = "gone"'),
        "gone: No such file or directory",
    ),
    "a zero in a path": (table(URL, 'username = "svc"', 'password_file = "a\\u0000b"'), "password_file"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_parent_is_refused_by_place_without_a_secret(tmp_path: Path, text: str, words: str) -> None:
    message = refusal(tmp_path, text, {"EMPTY": ""})

    assert words in message
    assert message.startswith("parent, item ")
    assert "\n" not in message
    assert "hush" not in message


def test_every_snippet_of_the_manual_is_valid(tmp_path: Path) -> None:
    settings_of(tmp_path, "")
    (tmp_path / "root.pem").rename(tmp_path / "company-root.pem")
    (tmp_path / "keytab").rename(tmp_path / "licensegate.keytab")
    snippets = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    assert len(snippets) == 4

    with patch("licensegate.app.settings.parents.kerberos_is_installed", return_value=True):
        for snippet in snippets:
            (tmp_path / "gate.toml").write_text(snippet)
            load(tmp_path / "gate.toml", {})


def test_the_manual_explains_every_outcome_of_a_parent() -> None:
    explained = set(re.findall(r"^\| \[`(\w+)`\]\(outcomes.md#\1\)", MANUAL, re.MULTILINE))

    assert explained == {outcome.label for outcome in Outcome if outcome.stage is Stage.PARENT}


def test_negotiate_without_gssapi_names_the_page_that_helps(tmp_path: Path) -> None:
    with patch("licensegate.app.settings.parents.kerberos_is_installed", return_value=False):
        message = refusal(tmp_path, table(URL, 'auth = "negotiate"', 'keytab = "keytab"'))

    assert "needs python-gssapi, which is not installed; see docs/parents.md, Kerberos" in message
    assert "\n### Kerberos\n" in MANUAL


def test_a_file_that_only_the_gate_may_read_passes(tmp_path: Path) -> None:
    with patch("licensegate.app.settings.table_reader.read_password", side_effect=PermissionError):
        (parent,) = settings_of(tmp_path, table(URL, *SECRET)).parents.proxies
        assert parent.login.password_file == tmp_path / "parent.secret"
    with patch("licensegate.app.settings.table_reader.ssl.create_default_context", side_effect=PermissionError):
        (parent,) = settings_of(
            tmp_path, table('url = "https://proxy.example.net:8443"', 'ca = "root.pem"')
        ).parents.proxies
        assert parent.ca == tmp_path / "root.pem"


def test_a_login_in_the_environment_is_refused_by_variable_name() -> None:
    with pytest.raises(SettingsError, match=r"LICENSEGATE__PARENT, item 1") as raised:
        load(None, {"LICENSEGATE__PARENT": "http://svc:hush@proxy.example.net:8080"})
    assert "hush" not in str(raised.value)
