import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensegate.app.settings import SettingsError, load
from licensegate.app.settings.file import read_file
from licensegate.app.settings.schema import File, keys

# One folder serves all examples, and how long one takes says nothing about the settings.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as raised:
        read_file(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(b"")

    assert read_file(path) == File()


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(b'\xef\xbb\xbf[log]\r\nlevel = "debug"\r\n')

    assert read_file(path).log.level == "debug"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "limits = 3",
            "limits: 3 is not a table; write [limits] on a line of its own, and the keys below it",
            id="no table",
        ),
        pytest.param(
            "[listen]\naddress = '0.0.0.0:1'",
            'listen: a table is not a list of tables; write [[listen]] with address = "0.0.0.0:3128"',
            id="single brackets",
        ),
        pytest.param(
            "listen = [3]",
            'listen, item 1: 3 is not a table; write [[listen]] with address = "0.0.0.0:3128"',
            id="list of numbers",
        ),
        pytest.param("[limit]\n", 'unknown key "limit"; did you mean limits?', id="unknown table"),
        pytest.param("[limits]\ntunnel = 3", 'limits: unknown key "tunnel"; did you mean tunnels?', id="unknown key"),
        pytest.param(
            "[limits]\nhead-bytes = 3", 'limits: unknown key "head-bytes"; did you mean head_bytes?', id="hyphen"
        ),
        pytest.param("tunnels = 3", 'unknown key "tunnels"; did you mean limits.tunnels?', id="key without its table"),
        pytest.param(
            "[log]\nidle_seconds = 3",
            'log: unknown key "idle_seconds"; did you mean limits.idle_seconds?',
            id="key in another table",
        ),
        pytest.param(
            "[log]\nzzz = 3",
            'log: unknown key "zzz"; known here: access, changes, format, level, lines_per_client, '
            "service, syslog_app_name, syslog_ca, syslog_certificate, syslog_facility, syslog_format, syslog_key",
            id="a key like none at all",
        ),
        pytest.param(
            "[clients]\nnetwork = ['10.0.0.0/8']",
            'clients: unknown key "network"; did you mean networks?',
            id="key of this table misspelt as one of another",
        ),
        pytest.param(
            "port = 3128",
            'unknown key "port"; did you mean [[listen]] with address = "0.0.0.0:3128"?',
            id="another proxy's key",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0'\nport = 3128",
            'listen, item 1: unknown key "port"; did you mean address = "0.0.0.0:3128"?',
            id="another proxy's key in a table",
        ),
        pytest.param(
            "[[parent]]\nurl = 'http://proxy:8080'\npassword = 'secret'",
            'parent, item 1: unknown key "password"; did you mean password_file?',
            id="password in the file",
        ),
        pytest.param(
            "[admin]\nclients = ['10.0.0.0/8']",
            'admin: unknown key "clients"; did you mean [clients] on a line of its own?',
            id="table below another one",
        ),
        pytest.param(
            "[limits]\nconnections_per_client_per_second = '30/m'",
            'limits.connections_per_client_per_second: "30/m" is not a number from 0 to 1000000; write 0.5',
            id="a rate as other programs write it",
        ),
        pytest.param(
            "[limits]\ntunnels_per_user_per_second = '10m'",
            'limits.tunnels_per_user_per_second: "10m" is not a number from 0 to 1000000',
            id="a time for a rate",
        ),
        pytest.param(
            "[limits]\nidle_seconds = '10m'",
            'limits.idle_seconds: "10m" is not a number from 0.1 to 2592000; write 600',
            id="duration with a unit",
        ),
        pytest.param(
            "[log]\nlevel = 'warn'",
            'log.level: "warn" is not one of "debug", "error", "info", "warning"; write "warning"',
            id="name that is a little different",
        ),
        pytest.param(
            "[auth]\nschemes = 'Basic'",
            'auth.schemes: "Basic" is not a list of texts, like ["one", "two"]; write ["basic"]',
            id="one scheme in capitals without brackets",
        ),
        pytest.param(
            "[network]\nclients = []", 'unknown key "network"; did you mean clients.networks?', id="networks at the top"
        ),
        pytest.param(
            "[tunnel]\nrequire_sni = true",
            'tunnel: unknown key "require_sni"; did you mean require_server_name?',
            id="server name by its short name",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 'a.example'\nclients = ['10.1.2.3']",
            'allowlist.rule, item 1: unknown key "clients"; did you mean networks = ["10.1.2.3"]?',
            id="clients of a rule",
        ),
        pytest.param(
            "[allowlist]\nhosts = ['tools.cisco.com']",
            'allowlist: unknown key "hosts"; did you mean [[allowlist.rule]] with host = "ssm.example.net"?',
            id="hosts without rules",
        ),
        pytest.param(
            "[dns]\nserver = '10.0.0.53'",
            'dns: unknown key "server"; did you mean the nameserver lines of /etc/resolv.conf, which the gate uses?',
            id="resolver of its own",
        ),
        pytest.param(
            "[limits]\nidle = 5", 'limits: unknown key "idle"; did you mean idle_seconds?', id="a name cut short"
        ),
        pytest.param("[tls]\ncert = 'a'", 'tls: unknown key "cert"; did you mean certificate?', id="an abbreviation"),
        pytest.param(
            "[log]\nannounce = 'gate.example.net'",
            'log: unknown key "announce"; announce belongs above the first [table] of the file',
            id="top-level key below a table",
        ),
        pytest.param(
            "[limits]\ntunnels = '99999999'",
            'limits.tunnels: "99999999" is not a whole number from 1 to 1000000',
            id="number in quotes, too large",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:1'\nauth = 'digest'",
            'listen, item 1, auth: "digest" is not a list of texts, like ["one", "two"]; write ["digest"]',
            id="one scheme without brackets",
        ),
        pytest.param(
            '["a\\u001bb"]',
            'unknown key "a\\u001bb"; known here: admin, allowlist, announce, auth, client, clients, dial, '
            "dns, ledger, limits, listen, log, parent, probe, product, state, tls, tunnel",
            id="control character in a key",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:1'\n[[listen]]\nadress = '0.0.0.0:2'",
            'listen, item 2: unknown key "adress"; did you mean address?',
            id="unknown key in an item",
        ),
        pytest.param(
            "[[allowlist.rule]]\nport = 443",
            'allowlist.rule, item 1: host is missing; it must be a text in quotes, like "this"',
            id="missing key",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 'a.example'\nprivate = 'yes'",
            'allowlist.rule, item 1, private: "yes" is not true or false; write true',
            id="no boolean",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 'a.example'\nport = 0",
            "allowlist.rule, item 1, port: 0 is not a whole number from 1 to 65535",
            id="port 0",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 'a.example'\nport = '443'",
            'allowlist.rule, item 1, port: "443" is not a whole number from 1 to 65535; write 443',
            id="number in quotes",
        ),
        pytest.param(
            "[clients]\nnetworks = '10.0.0.0/8'",
            'clients.networks: "10.0.0.0/8" is not a list of texts, like ["one", "two"]; write ["10.0.0.0/8"]',
            id="no list",
        ),
        pytest.param(
            "[clients]\nnetworks = ['10.0.0.0/8', 10]",
            'clients.networks, item 2: 10 is not a text in quotes, like "this"',
            id="number in a list of texts",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:1'\nproxy_protocol_from = ['10.0.0.5', 10]",
            'listen, item 1, proxy_protocol_from, item 2: 10 is not a text in quotes, like "this"',
            id="number in a list within a list",
        ),
        pytest.param(
            "[[tunnel.network]]\nrequire_tls = true",
            'tunnel.network, item 1: networks is missing; it must be a list of texts, like ["one", "two"]',
            id="no networks",
        ),
        pytest.param(
            "[[tunnel.network]]\nnetworks = []\nrequire_tls = 1",
            "tunnel.network, item 1, require_tls: 1 is not true or false; write true",
            id="no boolean where none may be said",
        ),
        pytest.param(
            "[allowlist]\nmode = 'Report'",
            'allowlist.mode: "Report" is not one of "enforce", "report"; write "report"',
            id="mode in capitals",
        ),
        pytest.param(
            "[limits]\ntunnels = true", "limits.tunnels: true is not a whole number from 1 to 1000000", id="boolean"
        ),
        pytest.param(
            "[limits]\ntunnels = 4.5", "limits.tunnels: 4.5 is not a whole number from 1 to 1000000", id="fraction"
        ),
        pytest.param("[limits]\ntunnels = 0", "limits.tunnels: 0 is not a whole number from 1 to 1000000", id="zero"),
        pytest.param(
            "[limits]\nhead_bytes = 1000",
            "limits.head_bytes: 1000 is not a whole number from 1024 to 1048576",
            id="too small",
        ),
        pytest.param(
            "[limits]\nhead_seconds = 0", "limits.head_seconds: 0 is not a number from 0.1 to 86400", id="no time"
        ),
        pytest.param(
            "[limits]\nhead_seconds = nan", "limits.head_seconds: nan is not a number from 0.1 to 86400", id="nan"
        ),
        pytest.param(
            "[limits]\nidle_seconds = inf", "limits.idle_seconds: inf is not a number from 0.1 to 2592000", id="inf"
        ),
        pytest.param(
            "[limits]\ndrain_seconds = -1", "limits.drain_seconds: -1 is not a number from 0 to 86400", id="negative"
        ),
        pytest.param(
            "[dns]\nfresh_seconds = 2024-01-01",
            "dns.fresh_seconds: 2024-01-01 is not a number from 0 to 86400",
            id="date",
        ),
        pytest.param(
            "[log]\nlevel = 'INFO'",
            'log.level: "INFO" is not one of "debug", "error", "info", "warning"; write "info"',
            id="level in capitals",
        ),
        pytest.param(
            f"[log]\nlevel = '{'x' * 500}'",
            f'log.level: "{"x" * 56}... is not one of "debug", "error", "info", "warning"',
            id="long text",
        ),
    ],
)
def test_an_unknown_key_is_reported_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)

    assert refusal(path) == message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"[log]\nlevel =\n", "not valid TOML: Invalid value (at line 2, column 8)", id="no value"),
        pytest.param(b"[log\n", "(at line 1, column 5)", id="open bracket"),
        pytest.param(b"\n\n[log]\n[log]\n", "(at line 4, column 5)", id="table twice"),
        pytest.param(b"[log]\nlevel = \xff\n", "line 2 is not text in UTF-8; save the settings as UTF-8", id="binary"),
        pytest.param("[log]".encode("utf-16"), "line 1 is not text in UTF-8; save the settings as UTF-8", id="UTF-16"),
        pytest.param(b"\x7fELF\x02\0\0\0", "not valid TOML: ", id="control characters"),
        pytest.param(b"listen = " + b"[" * 100_000, "not valid TOML: ", id="lists without end"),
        pytest.param(b"[limits]\ntunnels = " + b"9" * 5000, "not valid TOML: ", id="endless number"),
        pytest.param(b"#" * 1_048_577, "larger than such a file may be (1048576 bytes)", id="too large"),
    ],
)
def test_invalid_toml_is_named_with_its_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(content)

    message = refusal(path)

    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("missing.toml", "No such file or directory", id="missing"),
        pytest.param(".", "it is a directory, not a regular file", id="a directory"),
        pytest.param("file/gate.toml", "Not a directory", id="below a file"),
        pytest.param("x" * 300, "File name too long", id="too long a name"),
    ],
)
def test_an_unreadable_file_is_reported_with_a_remedy(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").touch()

    assert refusal(tmp_path / name) == (f"{words}; name a readable settings file, or none for the built-in defaults")


def test_a_file_without_permission_is_reported_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.touch(mode=0)
    # Root may read everything, so the process becomes `nobody`, after loading modules that `nobody` may not read.
    program = (
        "import os, sys; from pathlib import Path; from licensegate.app.settings import SettingsError, load\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "try: load(Path(sys.argv[1]), {})\n"
        "except SettingsError as error: print(error, end='')"
    )
    done = subprocess.run([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True, check=True)

    assert done.stdout == (
        f"{path}: Permission denied; name a readable settings file, or none for the built-in defaults"
    )


def test_a_device_is_not_read() -> None:
    assert refusal(Path("/dev/zero")).startswith("it is a device, not a regular file")


@given(st.binary(max_size=200))
@UNTIMED
def test_no_bytes_raise_anything_but_a_settings_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gate.toml"
    path.write_bytes(content)
    said = complaint(path)

    assert not said or said.startswith(f"{path}: ")


_scalars = st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
_values = st.one_of(_scalars, st.lists(_scalars, max_size=3), st.lists(st.dictionaries(st.text(), _scalars)))


@given(st.dictionaries(st.sampled_from(keys()), _values, max_size=3))
@UNTIMED
def test_no_value_of_a_known_key_raises_anything_but_a_settings_error(tmp_path: Path, table: dict[str, object]) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items()))
    said = complaint(path)

    assert not said or said.startswith(f"{path}: ")


def complaint(path: Path) -> str:
    """What is wrong with the file, empty if nothing is."""
    try:
        load(path, {})
    except SettingsError as error:
        return str(error)
    return ""
