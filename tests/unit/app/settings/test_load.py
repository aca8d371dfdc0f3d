import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.allowlist.client_networks import DEFAULT_NETWORKS
from licensegate.allowlist.policy import Mode
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.settings import Admin, Log, Tls, load, packaged
from licensegate.app.settings.log_place import log_file
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.settings import Limits, ListenAddress, NetworkChecks, TunnelChecks
from support.settings_file import KEY, pem_files, settings_of


def test_without_a_file_the_gate_is_as_packaged() -> None:
    settings = load(None, {})

    assert [str(address) for address in settings.listen] == [
        "0.0.0.0:3128",
        "[::]:3128",
        "0.0.0.0:8080",
        "[::]:8080",
        "0.0.0.0:443",
        "[::]:443",
    ]
    assert not any(address.named for address in settings.listen)
    assert settings.client_networks == DEFAULT_NETWORKS
    assert [f"{rule.host}:{rule.port}" for rule in settings.policy.rules] == [
        "tools.cisco.com:443",
        "api.cisco.com:443",
        "cloudsso.cisco.com:443",
    ]
    assert settings.policy.mode is Mode.ENFORCE
    assert settings.tls == Tls()
    assert settings.tunnel == TunnelChecks(require_tls=True, match_server_name=True, require_server_name=False)
    assert settings.tunnel_networks == ()
    assert settings.dial == DialSettings()
    assert settings.dns == DnsSettings()
    assert settings.limits == Limits()
    assert settings.admin == Admin(ListenAddress("127.0.0.1", 9130, named=False), DEFAULT_NETWORKS)
    assert settings.probe_seconds is None
    assert settings.state_directory is None
    assert settings.log == Log(level="info")
    assert settings.source == "the built-in defaults"


def test_every_key_is_read(tmp_path: Path) -> None:
    certificate, key, client_ca = pem_files(tmp_path)
    settings = settings_of(
        tmp_path,
        """
        [[listen]]
        address = "0.0.0.0:3128"

        [[listen]]
        address = "0.0.0.0:443"
        proxy_protocol_from = ["10.0.0.5/32", "fd00::/8"]

        [tls]
        certificate = "gate.pem"
        key = "gate.key"
        names = ["Proxy.example.net", "192.0.2.9"]

        [clients]
        networks = ["10.0.0.0/8", "127.0.0.0/8"]

        [auth]
        client_ca = "clients-ca.pem"

        [allowlist]
        presets = ["cisco-licensing"]
        mode = "report"

        [[allowlist.rule]]
        host = "ssm.example.net"
        port = 443
        private = true
        report = true
        require_tls = false
        match_server_name = false
        require_server_name = true

        [tunnel]
        require_tls = false
        match_server_name = false
        require_server_name = true

        [[tunnel.network]]
        networks = ["10.9.0.0/16", "10.8.0.1"]
        require_tls = true

        [[tunnel.network]]
        networks = ["10.0.0.0/8"]
        match_server_name = true
        require_server_name = false

        [dial]
        connect_to = ["tools.cisco.com:443:127.0.0.1:9443"]
        source_address = "192.0.2.7"

        [dns]
        fresh_seconds = 1
        last_good_seconds = 2
        failure_seconds = 3
        timeout_seconds = 4

        [limits]
        head_bytes = 16384
        head_seconds = 11
        dial_seconds = 12
        idle_seconds = 13
        half_closed_seconds = 14
        drain_seconds = 15
        tunnels = 16
        tunnels_per_client = 17
        hello_bytes = 1818
        hello_seconds = 19

        [state]
        directory = "/var/lib/licensegate"

        [log]
        access = "-"
        level = "warning"
        """,
    )

    balancers = (ip_network("10.0.0.5/32"), ip_network("fd00::/8"))
    assert settings.listen == (
        ListenAddress("0.0.0.0", 3128),
        ListenAddress("0.0.0.0", 443, proxy_protocol_from=balancers),
    )
    assert settings.tls == Tls(certificate, key, ("proxy.example.net", "192.0.2.9"), client_ca)
    assert settings.client_networks == (ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"))
    assert settings.policy.mode is Mode.REPORT
    assert settings.policy.rules[0] == Rule(
        "ssm.example.net",
        443,
        private=True,
        report=True,
        require_tls=False,
        match_server_name=False,
        require_server_name=True,
    )
    assert settings.tunnel == TunnelChecks(False, False, True)
    assert settings.tunnel_networks == (
        NetworkChecks((ip_network("10.9.0.0/16"), ip_network("10.8.0.1/32")), require_tls=True),
        NetworkChecks((ip_network("10.0.0.0/8"),), match_server_name=True, require_server_name=False),
    )
    assert settings.policy.decide(Target("tools.cisco.com", 443)).allowed
    assert settings.dial == DialSettings((ConnectTo("tools.cisco.com", 443, "127.0.0.1", 9443),), "192.0.2.7")
    assert settings.dns == DnsSettings(1, 2, 3, 4)
    assert settings.limits == Limits(
        head_bytes=16384,
        head_seconds=11,
        hello_bytes=1818,
        hello_seconds=19,
        dial_seconds=12,
        idle_seconds=13,
        half_closed_seconds=14,
        drain_seconds=15,
        tunnels=16,
        tunnels_per_client=17,
    )
    assert settings.state_directory == Path("/var/lib/licensegate")
    assert settings.log == Log(level="warning")
    assert settings.source == str(tmp_path / "gate.toml")


def test_no_preset_and_no_rule_allow_nothing(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[allowlist]\npresets = []").policy.rules == ()


def test_two_listeners_on_a_port_of_the_systems_choice_are_two(tmp_path: Path) -> None:
    text = '[[listen]]\naddress = "127.0.0.1:0"\n' * 2

    assert settings_of(tmp_path, text).listen == (ListenAddress("127.0.0.1", 0),) * 2


def test_an_empty_list_of_listeners_is_the_packaged_one(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "", {"LICENSEGATE__LISTEN": ""}).listen == load(None, {}).listen


@pytest.mark.parametrize("access", ["-", "/dev/stdout", "stdout"])
def test_standard_output_has_three_names(tmp_path: Path, access: str) -> None:
    assert settings_of(tmp_path, f"[log]\naccess = '{access}'").log == Log()


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/gate.toml").write_text('[log]\naccess = "logs/../access.jsonl"\n[state]\ndirectory = "/var/lib/x"')
    monkeypatch.chdir(tmp_path)

    settings = load(Path("etc/gate.toml"), {})

    assert settings.log.access == log_file(tmp_path / "etc/access.jsonl")
    assert settings.state_directory == Path("/var/lib/x")


def test_paths_in_the_environment_are_relative_to_where_the_gate_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/gate.toml").touch()
    monkeypatch.chdir(tmp_path)

    settings = load(Path("etc/gate.toml"), {"LICENSEGATE__LOG__ACCESS": "access.jsonl"})

    assert settings.log.access == log_file(tmp_path / "access.jsonl")


def test_a_key_may_be_in_the_file_of_its_certificate(tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_text(f"-----BEGIN CERTIFICATE-----\n{KEY}")

    tls = settings_of(tmp_path, "[tls]\ncertificate = 'both.pem'").tls

    assert (tls.certificate, tls.key) == (tmp_path / "both.pem", tmp_path / "both.pem")


def test_names_need_no_certificate(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[tls]\nnames = ['proxy']").tls == Tls(names=("proxy",))


def test_a_certificate_from_the_environment_goes_with_the_key_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key, _ = pem_files(tmp_path)
    monkeypatch.chdir(tmp_path)

    tls = settings_of(tmp_path, "[tls]\nkey = 'gate.key'", {"LICENSEGATE__TLS__CERTIFICATE": "gate.pem"}).tls

    assert (tls.certificate, tls.key) == (certificate, key)


def test_the_file_is_the_one_named_first(tmp_path: Path) -> None:
    for name in ("argument", "variable"):
        (tmp_path / name).write_text("")
    environ = {"LICENSEGATE_CONFIG": str(tmp_path / "variable")}

    assert load(tmp_path / "argument", environ).source == str(tmp_path / "argument")
    assert load(None, environ).source == str(tmp_path / "variable")
    assert load(None, {"LICENSEGATE_CONFIG": ""}).source == "the built-in defaults"


def test_the_source_names_the_variables_that_were_used() -> None:
    environ = {"LICENSEGATE__LOG__LEVEL": "debug", "LICENSEGATE__LIMITS__TUNNELS": "5", "LICENSEGATE_PORT": "x"}

    assert load(None, environ).source == (
        "the built-in defaults with LICENSEGATE__LIMITS__TUNNELS, LICENSEGATE__LOG__LEVEL"
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, None, id="no systemd"),
        pytest.param({"STATE_DIRECTORY": ""}, None, id="empty"),
        pytest.param({"STATE_DIRECTORY": "/var/lib/one"}, Path("/var/lib/one"), id="one"),
        pytest.param({"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, Path("/var/lib/one"), id="the first of two"),
        pytest.param(
            {"STATE_DIRECTORY": "/var/lib/one", "LICENSEGATE__STATE__DIRECTORY": "/srv"}, Path("/srv"), id="ours wins"
        ),
    ],
)
def test_state_is_kept_where_systemd_says_unless_the_operator_does(
    environ: dict[str, str], expected: Path | None
) -> None:
    assert load(None, environ).state_directory == expected


def test_a_command_by_hand_finds_the_packaged_settings_and_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, state = tmp_path / "licensegate.toml", tmp_path / "state"
    file.touch()
    state.mkdir()
    monkeypatch.setattr(packaged, "SETTINGS", file)
    monkeypatch.setattr(packaged, "_STATE", state)

    assert load(None, {}).source == str(file)
    assert load(None, {}).state_directory == load(file, {}).state_directory == state
    assert load(None, {"LICENSEGATE_CONFIG": ""}).source == "the built-in defaults"
    assert load(None, {"LICENSEGATE_CONFIG": ""}).state_directory is None


def test_a_command_by_hand_finds_the_directories_of_an_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its settings file, which may be a link to that of all instances."""
    (tmp_path / "licensegate.toml").touch()
    (tmp_path / "1.toml").symlink_to("licensegate.toml")
    for name in ("state", "state-1", "run", "run-1"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(packaged, "SETTINGS", tmp_path / "licensegate.toml")
    monkeypatch.setattr(packaged, "_STATE", tmp_path / "state")
    monkeypatch.setattr(packaged, "_RUNTIME", tmp_path / "run")

    assert load(tmp_path / "1.toml", {}).state_directory == tmp_path / "state-1"
    assert packaged.runtime_directory(tmp_path / "1.toml", {}) == tmp_path / "run-1"
    assert packaged.runtime_directory(tmp_path / "2.toml", {}) is None
    assert packaged.runtime_directory(tmp_path / "1.txt", {}) is None
    assert packaged.runtime_directory(tmp_path / "elsewhere" / "1.toml", {}) is None


def test_a_name_that_is_not_text_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"gate-\xff.toml")
    path.touch()

    assert load(path, {}).source == str(path)
