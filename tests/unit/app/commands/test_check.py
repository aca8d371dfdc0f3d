from pathlib import Path

import pytest

from licensegate.app.commands.check_report import report
from licensegate.app.commands.check_warnings import warnings
from licensegate.app.settings import Settings, load
from licensegate.certs.pem import CertificateError
from support.certificates import issue

EVERYTHING = """
[[listen]]
address = "[::1]:3128"
[[listen]]
address = "127.0.0.1:443"
proxy_protocol_from = ["10.0.0.5", "fd00::/8"]
[tls]
certificate = "gate.pem"
names = ["proxy.example.net", "proxy"]
[auth]
client_ca = "gate.pem"
[clients]
networks = ["10.0.0.0/8", "192.0.2.17"]
[allowlist]
presets = ["cucm", "smart-account-api"]
[[allowlist.rule]]
host = "ssm.example.net"
private = true
[[allowlist.rule]]
host = "tools.cisco.com"
[[allowlist.rule]]
host = "*.example.org"
report = true
require_tls = false
[tunnel]
require_server_name = true
[[tunnel.network]]
networks = ["10.1.0.0/16", "10.2.0.0/16"]
match_server_name = false
require_server_name = false
[dial]
connect_to = ["tools.cisco.com:443:[::1]:9443"]
source_address = "192.0.2.7"
[[parent]]
url = "http://proxy.example.net:8080"
username = "svc"
password_file = "parent.secret"
target = "checked"
[[parent]]
url = "https://[fd00::1]:8443"
auth = "ntlm"
username = 'CORP\\svc'
password_env = "PROXY_PASSWORD"
target = "address"
[[parent]]
url = "http://proxy3.example.net:8080"
keytab = "gate.pem"
[[parent]]
url = "direct"
[limits]
dial_seconds = 20
idle_seconds = 2592000
[dns]
fresh_seconds = 0.5
[admin]
listen = "0.0.0.0:9130"
token_file = "gate.pem"
[probe]
every = "5m"
[state]
directory = "/var/lib/licensegate"
[log]
access = "/var/log/access.jsonl"
level = "error"
"""


def settings_of(folder: Path, text: str) -> Settings:
    (folder / "gate.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    path = folder / "gate.toml"
    path.write_text(text)
    (folder / "parent.secret").touch(mode=0o600)
    (folder / "parent.secret").write_text("hush\n")
    return load(path, {"PROXY_PASSWORD": "hush"})


def sections_of(text: str) -> dict[str, list[str]]:
    """The report's sections: each title with its lines."""
    sections: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines():
        title = line[:14].strip() or title
        sections.setdefault(title, []).append(line[14:])
    return sections


def test_the_report_shows_everything_in_force(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, EVERYTHING)

    told = sections_of(report(settings))

    assert told["settings"] == [str(tmp_path / "gate.toml")]
    assert told["listen"] == ["[::1]:3128", "127.0.0.1:443, with a PROXY header from 10.0.0.5/32 and fd00::/8"]
    assert told["tls"] == [
        f"certificate {tmp_path}/gate.pem",
        f"key {tmp_path}/gate.pem",
        "also known as proxy.example.net and proxy",
    ]
    assert told["logins"] == [
        "not required, but checked if sent",
        "by certificate",
        "realm LicenseGate",
        "nonces signed with the gate's own key",
        f"certificates of {tmp_path}/gate.pem",
    ]
    assert told["mode"] == ["enforce: other targets are refused"]
    assert told["tunnel"] == [
        "require_tls = true",
        "match_server_name = true",
        "require_server_name = true",
        "from 10.1.0.0/16 and 10.2.0.0/16: match_server_name = false, require_server_name = false",
    ]
    assert told["clients"] == ["10.0.0.0/8", "192.0.2.17/32"]
    assert told["connect_to"] == ["tools.cisco.com:443 goes to [::1]:9443"]
    first, second, third, last = told["parents"]
    assert first == (
        f"http://proxy.example.net:8080, login auto as svc by the password in {tmp_path}/parent.secret, "
        "asked for names, after checking their addresses"
    )
    assert second == (
        "https://[fd00::1]:8443, login ntlm as CORP\\svc by the password in the variable PROXY_PASSWORD, "
        "asked for addresses"
    )
    assert third == f"http://proxy3.example.net:8080, login auto by the keytab {tmp_path}/gate.pem"
    assert last == "directly, if no parent can be used"
    assert "hush" not in report(settings)
    assert told["dial from"] == ["192.0.2.7"]
    assert "idle_seconds = 2592000" in told["limits"]
    assert "fresh_seconds = 0.5" in told["dns"]
    assert told["admin"] == [
        "http://0.0.0.0:9130/",
        "metrics and health for 10.0.0.0/8 and 192.0.2.17/32",
        "pages that name clients for programs on this host or the token",
        "ready_needs_upstream = false",
    ]
    assert told["probe"] == [
        "targets are dialled every 300 s, unless a tunnel has reached them meanwhile",
        "targets are looked at every 21600 s",
    ]
    assert told["state"] == ["/var/lib/licensegate"]
    assert told["log"] == [
        "access to /var/log/access.jsonl",
        "service to standard error",
        "level error",
        "50 lines per second of one client, the rest as a summary",
        "format auto",
    ]
    assert told["policy"] == [settings.policy.hash]


def test_the_report_says_of_each_target_which_rule_allows_it_and_why(tmp_path: Path) -> None:
    targets = sections_of(report(settings_of(tmp_path, EVERYTHING)))["targets"]

    assert targets[0].split(maxsplit=1) == ["ssm.example.net:443", "rule of your own; its addresses may be private"]
    assert targets[1].split(maxsplit=1) == ["tools.cisco.com:443", "rule of your own"]
    assert targets[2].split(maxsplit=1)[1] == "rule of your own; only reported, not allowed; require_tls = false"
    assert targets[3].startswith("smartreceiver.cisco.com:443  preset cucm: Smart Transport")
    assert any("  preset smart-account-api, unverified: " in target for target in targets)


def test_the_report_names_the_presets_that_would_allow_more(tmp_path: Path) -> None:
    more = sections_of(report(settings_of(tmp_path, EVERYTHING)))["more presets"]
    names = [line.partition(":")[0] for line in more]

    assert "satellite-sync" in names
    assert "cucm" not in names, "it is in force"
    assert "smart-transport" not in names, "cucm allows all of it"


def test_the_report_of_the_defaults_names_what_is_missing() -> None:
    told = sections_of(report(load(None, {})))

    assert told["listen"][-1] == "the defaults: addresses that cannot be bound are skipped"
    assert told["tls"] == ["the gate's own certificate, a new one at each start"]
    assert told["connect_to"] == ["none"]
    assert told["admin"][0] == "http://127.0.0.1:9130/, unless that cannot be bound"
    assert told["admin"][2] == "pages that name clients for programs on this host only"
    assert told["probe"] == [
        "targets are dialled only when /upstreamz is requested",
        "targets are looked at every 21600 s",
    ]
    assert told["parents"] == ["none"]
    assert told["state"] == ["nothing is kept"]
    assert told["log"][0] == "access to standard output"


def test_the_report_says_where_a_certificate_of_its_own_is_kept(tmp_path: Path) -> None:
    told = sections_of(report(settings_of(tmp_path, "[state]\ndirectory = '/var/lib/licensegate'")))

    assert told["tls"] == ["the gate's own certificate, kept in /var/lib/licensegate"]


def test_report_says_if_nothing_is_refused(tmp_path: Path) -> None:
    (told,) = sections_of(report(settings_of(tmp_path, "[allowlist]\nmode = 'report'")))["mode"]

    assert told.startswith("report: other targets pass")


def test_the_defaults_deserve_no_warning() -> None:
    assert list(warnings(load(None, {}), {"LICENSEGATE_PORT": "tcp://10.96.0.17:3128"}, "gate.example.net")) == []


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        pytest.param(
            {"licensegate__log__level": "debug"},
            "licensegate__log__level is ignored; write it in capitals: LICENSEGATE__LOG__LEVEL",
            id="small letters",
        ),
        pytest.param(
            {"LICENSEGATE_LOG_LEVEL": "debug"},
            "LICENSEGATE_LOG_LEVEL is ignored, because Kubernetes sets such names; write LICENSEGATE__LOG__LEVEL",
            id="one underscore",
        ),
        pytest.param(
            {"LICENSEGATE_CONFG": "/etc/gate.toml"},
            "LICENSEGATE_CONFG is ignored; did you mean LICENSEGATE_CONFIG?",
            id="misspelt name of the file's variable",
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://svc:secret@proxy.example.net:8080"},
            "HTTPS_PROXY is not used; if targets are reached only through that proxy, name it in [[parent]]",
            id="proxy of other programs",
        ),
    ],
)
def test_a_variable_that_is_not_used_deserves_a_warning(environ: dict[str, str], words: str) -> None:
    assert list(warnings(load(None, {}), environ, "gate.example.net")) == [words]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[allowlist]\npresets = []", "no target is allowed", id="nothing allowed"),
        pytest.param("[clients]\nnetworks = ['0.0.0.0/0']", "clients.networks holds 0.0.0.0/0", id="everyone"),
        pytest.param(
            "[admin]\nlisten = '0.0.0.0:9130'\nnetworks = ['0.0.0.0/0']",
            "admin.networks holds 0.0.0.0/0: anyone who can reach 0.0.0.0:9130 may read",
            id="everyone may watch",
        ),
        pytest.param(
            "[admin]\nlisten = ''\n[probe]\nevery = '5m'",
            "probe.every has no effect without admin.listen",
            id="probes that nobody sees",
        ),
        pytest.param(
            "[admin]\nlisten = ''\nready_needs_upstream = true",
            "admin.listen is empty, so the other keys of admin have no effect",
            id="an admin server that is off",
        ),
        pytest.param(
            "[dial]\nconnect_to = ['a.example:443:127.0.0.1:9443']",
            "dial.connect_to names a.example:443, which the allowlist refuses",
            id="refused target",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:443'\nproxy_protocol_from = ['::/0']",
            "proxy_protocol_from of 0.0.0.0:443 holds ::/0",
            id="everyone a balancer",
        ),
        pytest.param(
            "[[parent]]\nurl = 'http://proxy:8080'\nauth = 'basic'\nusername = 'a'\npassword_file = 'parent.secret'",
            "the password for http://proxy:8080 is sent in the clear",
            id="a password in the clear",
        ),
        pytest.param(
            "[[parent]]\nurl = 'http://proxy:8080'\nusername = 'a'\npassword_file = 'gate.pem'",
            "gate.pem can be read by every user of this machine; run chmod 600 on it",
            id="a password for everybody",
        ),
        pytest.param(
            "[[parent]]\nurl = 'http://proxy:8080'\nseconds = 15\n[[parent]]\nurl = 'http://proxy2:8080'",
            "parents may take 15 s before the last one is tried, but limits.dial_seconds ends a dial after 15 s",
            id="no time for the last",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:8081'\n[[parent]]\nurl = 'http://localhost:8081'",
            "http://localhost:8081 is this gate itself, so each tunnel would be a loop",
            id="parent that is the gate",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 'tools.cisco.com'\nreport = true",
            "but no effect: tools.cisco.com:443 (preset cisco-licensing) allows it",
            id="report of what is allowed",
        ),
        pytest.param(
            "[tunnel]\nrequire_tls = false\nrequire_server_name = true",
            "tunnel requires a server name but not TLS",
            id="name without TLS",
        ),
        pytest.param(
            "[tunnel]\nrequire_tls = false\n[[tunnel.network]]\nnetworks = ['10.0.0.1']\nrequire_server_name = true",
            "tunnel.network, item 1, requires a server name but not TLS",
            id="name without TLS from a network",
        ),
        pytest.param(
            "[tunnel]\nrequire_tls = false\n[[allowlist.rule]]\nhost = 'a.example'\nrequire_server_name = true",
            "the rule for a.example:443 requires a server name but not TLS",
            id="name without TLS by a rule",
        ),
        pytest.param(
            "[log]\naccess = 'access.jsonl'\nformat = 'text'",
            "licensegate explain, suggest-rules and doctor",
            id="text log",
        ),
    ],
)
def test_probable_mistake_is_a_warning(tmp_path: Path, text: str, words: str) -> None:
    (warning,) = warnings(settings_of(tmp_path, text), {}, "gate")

    assert words in warning


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "[allowlist]\nmode = 'report'\n[dial]\nconnect_to = ['a.example:443:127.0.0.1:9443']",
            id="a target in report mode",
        ),
        pytest.param("[[allowlist.rule]]\nhost = '*.cisco.com'\nreport = true", id="a wildcard that reports"),
        pytest.param(
            "[[parent]]\nurl = 'http://a.example:8080'\nseconds = 60\n"
            "[dial]\nconnect_to = ['a.example:8080:127.0.0.1:9443']",
            id="a parent sent elsewhere, and all the time for it",
        ),
        pytest.param("[tunnel]\nrequire_tls = false", id="no TLS and no name"),
        pytest.param("[log]\nformat = 'text'", id="text on standard output"),
    ],
)
def test_plausible_settings_are_not_warned_of(tmp_path: Path, text: str) -> None:
    assert list(warnings(settings_of(tmp_path, text), {}, "gate")) == []


def test_a_variable_that_lacks_an_underscore_is_warned_of() -> None:
    environ = {"LICENSEGATE_LOG_LEVEL": "debug", "LICENSEGATE_LISTEN": "x", "LICENSEGATE__LOG__LEVEL": "debug"}

    told = list(warnings(load(None, {}), environ, "gate"))

    assert [warning.split()[0] for warning in told] == ["LICENSEGATE_LOG_LEVEL", "LICENSEGATE_LISTEN"]
    assert [warning.split()[-1] for warning in told] == ["LICENSEGATE__LOG__LEVEL", "LICENSEGATE__LISTEN"]


@pytest.mark.parametrize(("length", "warned"), [(64, False), (65, True)])
def test_a_machines_name_that_fmc_does_not_take_is_warned_of(length: int, warned: bool) -> None:
    name = "g" * (length - 8) + ".example"

    told = list(warnings(load(None, {}), {}, name))

    assert bool(told) is warned
    assert all(name in warning for warning in told)


def test_the_files_that_looks_judge_by_are_read_and_named(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(issue(authority=True).pem)
    text = '[probe]\nroots = "own.pem"\nhandshake = "off"\n[[allowlist.rule]]\nhost = "s.example"\nca = "own.pem"\n'
    settings = settings_of(tmp_path, text)

    told = sections_of(report(settings))

    assert list(warnings(settings, {}, "gate")) == []
    assert told["probe"][1:] == ["targets are looked at only when asked", f"more public roots in {tmp_path}/own.pem"]
    assert [line for line in told["targets"] if line.endswith(f"rule of your own; judged by {tmp_path}/own.pem")]
    (tmp_path / "own.pem").write_text("nothing")
    with pytest.raises(CertificateError, match=r"own\.pem: contains no certificate"):
        list(warnings(settings, {}, "gate"))
