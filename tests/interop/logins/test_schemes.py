"""Each login scheme with curl and Java, and client certificates."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.x509 import DNSName
from cryptography.x509.oid import ExtendedKeyUsageOID

from support import java
from support.authority import Authority
from support.certificates import issue, revoke
from support.client_program import Post
from support.gate import Gate, cisco_at
from support.licensing_exchange import MESSAGE, URL
from support.login_gate import ListenerSchemes, LoginGate, run_login_gate
from support.logins import PASSWORD, USER, digest, write_user_files
from support.programs import run
from support.requirements import require_command
from support.standin import StandIn

LOGIN = ("--proxy-user", f"{USER}:{PASSWORD}")
ASKED = ("", "missing")
BASIC, MD5, SHA_256 = (f"{name}" for name in ("basic", "digest-md5", "digest-sha-256"))


@pytest.mark.parametrize(
    ("options", "offers", "logins"),
    [
        pytest.param(("--proxy-basic",), ListenerSchemes.EVERYTHING, [(BASIC, "accepted")], id="basic, preemptive"),
        pytest.param(
            ("--proxy-digest",), ListenerSchemes.EVERYTHING, [ASKED, (MD5, "accepted")], id="digest, the first"
        ),
        pytest.param(
            ("--proxy-digest",), ListenerSchemes.SHA_256, [ASKED, (SHA_256, "accepted")], id="digest, SHA-256 alone"
        ),
        pytest.param(
            ("--proxy-anyauth",), ListenerSchemes.EVERYTHING, [ASKED, (MD5, "accepted")], id="any, the strongest"
        ),
        pytest.param(
            ("--proxy-anyauth",), ListenerSchemes.BASIC, [ASKED, (BASIC, "accepted")], id="any, the only one offered"
        ),
        pytest.param(
            ("--proxy-basic", "--proxy1.0"), ListenerSchemes.EVERYTHING, [(BASIC, "accepted")], id="basic, HTTP/1.0"
        ),
        pytest.param(
            ("--proxy-digest", "--proxy1.0"), ListenerSchemes.MD5, [ASKED, (MD5, "accepted")], id="digest, HTTP/1.0"
        ),
    ],
)
def test_curl_logs_in_by_the_scheme_it_is_given(
    login_gate: LoginGate, options: tuple[str, ...], offers: ListenerSchemes, logins: list[tuple[str, str]]
) -> None:
    if "--proxy1.0" in options:
        options = (*options[:1], "--proxy1.0", f"http://127.0.0.1:{login_gate.port(offers)}")

    done = login_gate.curl(*options, *LOGIN, offers=offers)

    assert '"stand_in": true' in done.stdout, done.stderr
    assert login_gate.logins(len(logins)) == logins


@pytest.mark.parametrize(
    ("options", "result"),
    [(("--proxy-digest",), "wrong_password"), (("--proxy-basic",), "wrong_password")],
    ids=["digest", "basic"],
)
def test_curl_gives_up_after_one_wrong_password(fresh: LoginGate, options: tuple[str, ...], result: str) -> None:
    done = fresh.curl(*options, "--proxy-user", f"{USER}:wrong")

    assert done.returncode == 56
    assert "HTTP/1.1 407 login_refused" in done.stdout
    assert [each for _, each in fresh.all_logins() if each != "missing"] == [result]


def test_an_unknown_user_is_answered_like_a_wrong_password(fresh: LoginGate) -> None:
    known, unknown = (fresh.curl("--proxy-user", f"{user}:wrong") for user in (USER, "nobody"))

    assert known.stdout.partition("\r\n")[0] == unknown.stdout.partition("\r\n")[0]
    assert [result for _, result in fresh.all_logins()] == ["wrong_password", "unknown_user"]


def test_a_password_outside_ascii_passes_by_basic_and_by_digest(tmp_path: Path, authority: Authority) -> None:
    with run_login_gate(tmp_path, authority, users=[("jürgen", "pä & ß:x")]) as login_gate:
        for option in ("--proxy-basic", "--proxy-digest"):
            done = login_gate.curl(option, "--proxy-user", "jürgen:pä & ß:x")
            assert '"stand_in": true' in done.stdout, done.stderr


DOMAIN_USER = "CORP\\svc"


@pytest.fixture
def domain_gate(tmp_path: Path, authority: Authority) -> Iterator[LoginGate]:
    """A gate whose one user has a backslash in the name."""
    with run_login_gate(tmp_path, authority, users=[(DOMAIN_USER, PASSWORD)]) as gate:
        yield gate


@pytest.mark.parametrize("option", ["--proxy-basic", "--proxy-digest"])
def test_curl_logs_in_with_a_backslash_in_the_name(domain_gate: LoginGate, option: str) -> None:
    done = domain_gate.curl(option, "--proxy-user", f"{DOMAIN_USER}:{PASSWORD}")

    assert '"stand_in": true' in done.stdout, done.stderr


@pytest.mark.parametrize("release", java.RELEASES)
@pytest.mark.parametrize("program", ["UrlConnection", "ApacheHttp"])
def test_java_logs_in_with_a_backslash_in_the_name(domain_gate: LoginGate, program: str, release: int) -> None:
    """HttpsURLConnection does not escape it in Digest, HttpClient does."""
    proxy = f"http://{DOMAIN_USER}:{PASSWORD}@127.0.0.1:{domain_gate.port()}"

    (shown,) = java.post(release, program, (), domain_gate.trust, [Post(URL, proxy)])

    assert '"stand_in": true' in shown, shown
    assert domain_gate.logins(2) == [ASKED, (SHA_256, "accepted")]


# Java with settings for logins

WITH_BASIC = ("-Djdk.http.auth.tunneling.disabledSchemes=",)


@pytest.mark.parametrize("release", java.RELEASES)
@pytest.mark.parametrize("program", ["UrlConnection", "NetHttp"])
def test_java_with_basic_enabled_logs_in_where_only_basic_is_offered(
    login_gate: LoginGate, program: str, release: int
) -> None:
    posts = [Post(URL, login_gate.proxy(offers=ListenerSchemes.BASIC))]

    (shown,) = java.post(release, program, (), login_gate.trust, posts, WITH_BASIC)

    assert '"stand_in": true' in shown, shown
    assert login_gate.logins(2) == [ASKED, (BASIC, "accepted")]


@pytest.mark.parametrize("release", java.RELEASES)
def test_java_net_http_with_basic_enabled_picks_it_but_not_in_java_11(login_gate: LoginGate, release: int) -> None:
    """Java 11's HttpClient reads only the first challenge, which is Digest."""
    (shown,) = java.post(release, "NetHttp", (), login_gate.trust, [Post(URL, login_gate.proxy())], WITH_BASIC)

    if release == 11:
        assert "407" in shown
        assert login_gate.logins(1) == [ASKED]
    else:
        assert '"stand_in": true' in shown, shown
        assert login_gate.logins(2) == [ASKED, (BASIC, "accepted")]


@pytest.mark.parametrize("release", java.RELEASES)
def test_http_url_connection_keeps_its_digest_and_counts_on(login_gate: LoginGate, release: int) -> None:
    """Java reuses the nonce of one challenge for its next tunnels."""
    targets = ("tools.cisco.com", "api.cisco.com", "cloudsso.cisco.com")
    posts = [Post(URL.replace("tools.cisco.com", target), login_gate.proxy()) for target in targets]

    shown = java.post(release, "UrlConnection", (), login_gate.trust, posts)

    assert all('"stand_in": true' in text for text in shown), shown
    results = login_gate.logins(len(targets) + 1)
    assert results[:2] == [ASKED, (SHA_256, "accepted")]
    assert {result for _, result in results} == {"missing", "accepted"}


@pytest.mark.parametrize("release", java.RELEASES)
def test_apache_http_client_can_log_in_without_a_challenge(login_gate: LoginGate, release: int) -> None:
    options = ("-Dpreemptive=true",)

    (shown,) = java.post(release, "ApacheHttp", (), login_gate.trust, [Post(URL, login_gate.proxy())], options)

    assert '"stand_in": true' in shown, shown
    assert login_gate.logins(1) == [(BASIC, "accepted")]


# Gates that share a key, and certificates


def test_gates_with_the_same_key_accept_each_others_challenges(tmp_path: Path, authority: Authority) -> None:
    """Two gates behind one address: one sends the challenge, the other gets the answer."""
    (tmp_path / "nonce.key").write_text("ab" * 32)
    more = f"nonce_key_file = {json.dumps(str(tmp_path / 'nonce.key'))}\n"
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with run_login_gate(folders[0], authority, more) as one, run_login_gate(folders[1], authority, more) as two:
        asked = one.curl().stdout
        challenge = next(line for line in asked.splitlines() if "algorithm=SHA-256" in line).partition(": ")[2]
        login = ("--proxy-header", f"Proxy-Authorization: {digest(challenge)}")
        first, replayed, elsewhere = two.curl(*login), two.curl(*login), one.curl(*login)

    assert '"stand_in": true' in first.stdout, first.stderr
    assert "407 login_stale" in replayed.stdout, "counted within one gate"
    assert '"stand_in": true' in elsewhere.stdout, "and not across gates, as docs/logins.md says"


AUTHORITY = issue("clients of the test", authority=True)


@pytest.fixture
def certified(tmp_path: Path) -> list[str]:
    """curl's options for a client certificate."""
    AUTHORITY.write(tmp_path, stem="ca")
    names = (DNSName("cucm-pub.example.net"),)
    client = issue("cucm-pub", AUTHORITY, names=names, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    chain, key = client.write(tmp_path, stem="client")
    (tmp_path / "clients.crl").write_bytes(revoke(AUTHORITY))
    (tmp_path / "revoked.crl").write_bytes(revoke(AUTHORITY, client))
    return ["--proxy-cert", str(chain), "--proxy-key", str(key)]


def by_tls(gate: Gate, authority: Authority, *options: str) -> subprocess.CompletedProcess[str]:
    fixed = ("--silent", "--show-error", "--include", "--cacert", authority.root, "--proxy-insecure")
    proxy = ("--proxy", f"https://127.0.0.1:{gate.port}", "--data-binary", "@-")
    return run(require_command("curl", "curl"), *fixed, *proxy, *options, URL, stdin=MESSAGE)


def with_certificates(folder: Path, standin: StandIn, crl: str = "clients.crl", rule: str = "") -> Gate:
    """A gate that accepts client certificates as well as passwords."""
    write_user_files(folder)
    auth = f"""
[auth]
required = true
htpasswd = "users.htpasswd"
client_ca = "ca.pem"
client_crl = "{crl}"
{rule}
"""
    return Gate(folder, cisco_at(standin.port, more=auth))


def test_a_certificate_is_as_good_as_a_password(
    tmp_path: Path, authority: Authority, standin: StandIn, certified: list[str]
) -> None:
    with with_certificates(tmp_path, standin) as gate:
        shown, typed, neither = (by_tls(gate, authority, *login) for login in (certified, LOGIN, ()))
        records = gate.records(3)

    assert '"stand_in": true' in shown.stdout, shown.stderr
    assert '"stand_in": true' in typed.stdout, typed.stderr
    assert "407 login_required" in neither.stdout
    assert [(record.get("login"), record.get("user")) for record in records] == [
        ("certificate", "cucm-pub"),
        ("basic", USER),
        (None, None),
    ]


def test_a_certificate_that_was_revoked_is_refused_in_the_handshake(
    tmp_path: Path, authority: Authority, standin: StandIn, certified: list[str]
) -> None:
    with with_certificates(tmp_path, standin, "revoked.crl") as gate:
        done = by_tls(gate, authority, *certified)
        (record,) = gate.records(1)

    assert done.returncode != 0
    assert "revoked" in done.stderr
    assert (record["outcome"], record["detail"]) == (
        "handshake_failed",
        "the client's certificate: certificate revoked",
    )
    assert not standin.connections


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ('certificates = ["cucm-pub.example.net"]', "200"),
        ('certificates = ["cucm-sub.example.net"]', "403 target_not_for_client"),
        (f'users = ["{USER}"]', "403 target_not_for_client"),
        (f'users = ["{USER}"]\ncertificates = ["cucm-pub"]', "407 login_required"),
    ],
    ids=["its own", "another's", "a user's", "both"],
)
def test_a_rule_may_be_for_a_certificate(
    tmp_path: Path, authority: Authority, standin: StandIn, certified: list[str], rule: str, status: str
) -> None:
    table = f'[[allowlist.rule]]\nhost = "tools.cisco.com"\n{rule}\n'
    with with_certificates(tmp_path, standin, rule=table) as gate:
        done = by_tls(gate, authority, *certified)

    assert f"HTTP/1.1 {status}" in done.stdout
