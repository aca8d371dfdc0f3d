import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from licensegate.allowlist.client_networks import DEFAULT_NETWORKS
from licensegate.allowlist.policy import Mode
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.settings import Admin, Log, Settings, SettingsError, Tls, load, packaged
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.settings import Limits, ListenAddress, NetworkChecks, TunnelChecks

KEY = "-----BEGIN PRIVATE KEY-----\n"


def settings_of(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = folder / "gate.toml"
    path.write_text(text)
    return load(path, environ or {})


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_of(folder, text, environ)
    return str(raised.value).replace(f"{folder}/", "")


def pem_files(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate, its key and a CA that pass the checks of the settings."""
    files = folder / "gate.pem", folder / "gate.key", folder / "clients-ca.pem"
    for file, content in zip(files, ("", KEY, ""), strict=True):
        file.write_text(content)
    return files


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
    assert settings.log == Log("-", "info")
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
    assert settings.log == Log("-", "warning")
    assert settings.source == str(tmp_path / "gate.toml")


def test_no_preset_and_no_rule_allow_nothing(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[allowlist]\npresets = []").policy.rules == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:3128'\n[[listen]]\naddress = 'localhost:8080'",
            'gate.toml: listen, item 2, address: "localhost:8080" has a host that is not an IP address; '
            'write "127.0.0.1:8080"',
            id="listener by name",
        ),
        pytest.param(
            "[[listen]]\naddress = '[::1]:3128'\n[[listen]]\naddress = '[0::1]:3128'",
            "gate.toml: listen, item 2: the same as item 1; remove one of them",
            id="listener twice",
        ),
        pytest.param(
            "[clients]\nnetworks = ['127.0.0.0/8', '10.1.0.0/8']",
            'gate.toml: clients.networks, item 2: "10.1.0.0/8" is an address inside a network; '
            'write "10.0.0.0/8", or the address alone',
            id="host bits",
        ),
        pytest.param(
            "[clients]\nnetworks = []",
            'gate.toml: clients.networks: an empty list lets nobody use the gate; name a network, like "10.0.0.0/8"',
            id="no network",
        ),
        pytest.param(
            "[allowlist]\npresets = ['cisco-licencing']",
            "gate.toml: allowlist.presets: there is no preset 'cisco-licencing': did you mean 'cisco-licensing'?",
            id="unknown preset",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 'ssm.example.net:8443'",
            'gate.toml: allowlist.rule, item 1, host: "ssm.example.net:8443" is not a host: '
            "a host must not have a port here: 'ssm.example.net:8443'; "
            'write host = "ssm.example.net" and port = 8443',
            id="rule with its port in the host",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 'a.example'\n[[allowlist.rule]]\nhost = 'A.example.'\nprivate = true",
            "gate.toml: allowlist.rule: two rules for a.example:443: keep one",
            id="rule twice",
        ),
        pytest.param(
            "[dial]\nconnect_to = ['a.example:443:127.0.0.1:1', 'A.example:443:127.0.0.1:2']",
            "gate.toml: dial.connect_to, item 2: the same as item 1; remove one of them",
            id="one target sent to two addresses",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:1'\nproxy_protocol_from = ['10.0.0.5', 'balancer']",
            'gate.toml: listen, item 1, proxy_protocol_from, item 2: "balancer" is not a network; '
            'write one like "10.0.0.0/8" or "fd00::/8"',
            id="balancer by name",
        ),
        pytest.param(
            "[admin]\nlisten = '9130'",
            'gate.toml: admin.listen: "9130" is not an address with a port; write "0.0.0.0:9130"',
            id="admin port alone",
        ),
        pytest.param(
            "[[listen]]\naddress = '0.0.0.0:3128'\n[[listen]]\naddress = '127.0.0.1:3128'",
            "gate.toml: listen, item 2: 127.0.0.1:3128 cannot be bound beside 0.0.0.0:3128, item 1; remove one of them",
            id="a listener that another one holds",
        ),
        pytest.param(
            "[[listen]]\naddress = '[::1]:3128'\n[[listen]]\naddress = '[::]:3128'",
            "gate.toml: listen, item 2: [::]:3128 cannot be bound beside [::1]:3128, item 1; remove one of them",
            id="a listener that holds another one",
        ),
        pytest.param(
            "[admin]\nlisten = '[::1]:3128'\n[[listen]]\naddress = '[::]:3128'",
            "gate.toml: listen, item 1, address: [::]:3128 is also the address of admin.listen, [::1]:3128; "
            "change one of them",
            id="clients where the gate is watched",
        ),
        pytest.param(
            "[[listen]]\naddress = '10.0.0.1:3128'\n[[listen]]\naddress = '0.0.0.0:9130'",
            "gate.toml: listen, item 2, address: 0.0.0.0:9130 is also the address of admin.listen, 127.0.0.1:9130; "
            "change one of them",
            id="clients where the gate is watched unless said otherwise",
        ),
        pytest.param(
            "[admin]\nnetworks = ['10.0.0.0/8', 'prometheus']",
            'gate.toml: admin.networks, item 2: "prometheus" is not a network; '
            'write one like "10.0.0.0/8" or "fd00::/8"',
            id="admin network by name",
        ),
        pytest.param(
            "[admin]\ntoken_file = 'gone.token'",
            "gate.toml: admin.token_file: gone.token: No such file or directory; make one with `openssl rand -hex 32`",
            id="missing token",
        ),
        pytest.param(
            "[probe]\nevery = '5'",
            'gate.toml: probe.every: "5" is not an interval; write "off", or a whole number with s, m or h, like "5m"',
            id="time without a unit",
        ),
        pytest.param(
            "[tls]\nkey = 'gate.key'",
            "gate.toml: tls.key: a key without a certificate; set tls.certificate too",
            id="key alone",
        ),
        pytest.param(
            "[tls]\ncertificate = 'gate.pem'",
            "gate.toml: tls.certificate: gate.pem has no private key in it; name the file that has it in tls.key",
            id="certificate alone",
        ),
        pytest.param(
            "[tls]\ncertificate = 'gone.pem'\nkey = 'gate.key'",
            "gate.toml: tls.certificate: gone.pem: No such file or directory; name an existing PEM file",
            id="missing certificate",
        ),
        pytest.param(
            "[tls]\ncertificate = 'gate.pem'\nkey = 'gate.pem/key'",
            "gate.toml: tls.key: gate.pem/key: Not a directory; name an existing PEM file",
            id="missing key",
        ),
        pytest.param(
            "[auth]\nclient_ca = '/'",
            "gate.toml: auth.client_ca: /: it is a directory, not a regular file; name an existing PEM file",
            id="a folder of CAs",
        ),
        pytest.param(
            "[tls]\nnames = ['proxy', '*.example.net']",
            'gate.toml: tls.names, item 2: "*.example.net" is not a host: a wildcard is not allowed here: '
            "'*.example.net'; write a name, like \"ssm.example.net\"",
            id="a wildcard for a name",
        ),
        pytest.param(
            "[tls]\nnames = ['proxy', 'Proxy.']",
            "gate.toml: tls.names, item 2: the same as item 1; remove one of them",
            id="name twice",
        ),
        pytest.param(
            "[[tunnel.network]]\nnetworks = ['10.0.0.0/8']\nrequire_tls = true\n"
            "[[tunnel.network]]\nnetworks = ['::/0']",
            "gate.toml: tunnel.network, item 2: changes nothing; give it networks, and one of require_tls, "
            "match_server_name, require_server_name",
            id="networks without a difference",
        ),
        pytest.param(
            "[[tunnel.network]]\nnetworks = []\nrequire_tls = true",
            "gate.toml: tunnel.network, item 1: changes nothing; give it networks, and one of require_tls, "
            "match_server_name, require_server_name",
            id="a difference without networks",
        ),
        pytest.param(
            "[[tunnel.network]]\nnetworks = ['10.0.0.0/8', 'lab']\nrequire_tls = true",
            'gate.toml: tunnel.network, item 1, networks, item 2: "lab" is not a network; '
            'write one like "10.0.0.0/8" or "fd00::/8"',
            id="network by name",
        ),
        pytest.param(
            "[dial]\nsource_address = 'eth0'",
            'gate.toml: dial.source_address: "eth0" is not an IP address; write one like "192.0.2.1" or "2001:db8::1"',
            id="source address by interface",
        ),
        pytest.param(
            "[log]\naccess = ''",
            'gate.toml: log.access: "" is not a path; write one, or leave log.access out',
            id="no path",
        ),
        pytest.param(
            "[log]\naccess = 'stdout'",
            'gate.toml: log.access: "stdout" would be the name of a file; write "-" for standard output, "/dev/null" '
            'for no access log, or "./stdout" for that file',
            id="standard output by its name",
        ),
        pytest.param(
            "[log]\naccess = '/var/log/licensegate/'",
            'gate.toml: log.access: "/var/log/licensegate/" is a directory; name a file in it',
            id="directory for the log",
        ),
        pytest.param(
            "announce = 'localhost'",
            'gate.toml: announce: no client can reach the gate by "localhost"; write the name or the address that '
            "clients use, or leave announce out",
            id="name of no host",
        ),
        pytest.param(
            '[state]\ndirectory = "a\\u0000b"',
            'gate.toml: state.directory: "a\\u0000b" is not a path; write one, or leave state.directory out',
            id="NUL in a path",
        ),
    ],
)
def test_invalid_value_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    pem_files(tmp_path)

    assert refusal(tmp_path, text) == message


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        pytest.param(
            "LICENSEGATE__LISTEN",
            "0.0.0.0:1,3128",
            'LICENSEGATE__LISTEN, item 2: "3128" is not an address',
            id="listen",
        ),
        pytest.param(
            "LICENSEGATE__CLIENTS__NETWORKS",
            "10.0.0.0/8,x",
            'LICENSEGATE__CLIENTS__NETWORKS, item 2: "x"',
            id="networks",
        ),
        pytest.param(
            "LICENSEGATE__ALLOWLIST__RULE",
            "a b:443",
            'LICENSEGATE__ALLOWLIST__RULE, item 1: "a b" is no',
            id="rule",
        ),
        pytest.param(
            "LICENSEGATE__ALLOWLIST__PRESETS",
            "x",
            "LICENSEGATE__ALLOWLIST__PRESETS: there is no preset 'x'",
            id="preset",
        ),
        pytest.param(
            "LICENSEGATE__DIAL__SOURCE_ADDRESS",
            "x",
            'LICENSEGATE__DIAL__SOURCE_ADDRESS: "x" is no',
            id="source",
        ),
        pytest.param(
            "LICENSEGATE__TLS__CERTIFICATE",
            "/x/gate.pem",
            "LICENSEGATE__TLS__CERTIFICATE: /x/gate.pem: No such file",
            id="certificate",
        ),
        pytest.param(
            "LICENSEGATE__TLS__NAMES",
            "proxy,a b",
            'LICENSEGATE__TLS__NAMES, item 2: "a b" is not a host',
            id="names",
        ),
    ],
)
def test_a_value_from_the_environment_is_named_with_its_variable(
    tmp_path: Path, variable: str, text: str, message: str
) -> None:
    assert refusal(tmp_path, "", {variable: text}).startswith(message)


def test_two_listeners_on_a_port_of_the_systems_choice_are_two(tmp_path: Path) -> None:
    text = '[[listen]]\naddress = "127.0.0.1:0"\n' * 2

    assert settings_of(tmp_path, text).listen == (ListenAddress("127.0.0.1", 0),) * 2


def test_an_empty_list_of_listeners_is_the_packaged_one(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "", {"LICENSEGATE__LISTEN": ""}).listen == load(None, {}).listen


def test_paths_in_the_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/gate.toml").write_text('[log]\naccess = "logs/../access.jsonl"\n[state]\ndirectory = "/var/lib/x"')
    monkeypatch.chdir(tmp_path)

    settings = load(Path("etc/gate.toml"), {})

    assert settings.log.access == str(tmp_path / "etc/access.jsonl")
    assert settings.state_directory == Path("/var/lib/x")


def test_paths_in_the_environment_are_relative_to_where_the_gate_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/gate.toml").touch()
    monkeypatch.chdir(tmp_path)

    settings = load(Path("etc/gate.toml"), {"LICENSEGATE__LOG__ACCESS": "access.jsonl"})

    assert settings.log.access == str(tmp_path / "access.jsonl")


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


def test_a_name_that_is_not_text_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"gate-\xff.toml")
    path.touch()

    assert load(path, {}).source == str(path)


def test_admin_networks_default_to_client_networks(tmp_path: Path) -> None:
    clients = "[clients]\nnetworks = ['10.0.0.0/8']\n"

    assert settings_of(tmp_path, clients).admin.networks == (ip_network("10.0.0.0/8"),)
    assert settings_of(tmp_path, f"{clients}[admin]\nnetworks = ['192.0.2.7']").admin.networks == (
        ip_network("192.0.2.7"),
    )


def test_named_admin_address_must_be_bound_and_empty_turns_it_off(tmp_path: Path) -> None:
    named = settings_of(tmp_path, "[admin]\nlisten = '0.0.0.0:9130'").admin.listen

    assert named == ListenAddress("0.0.0.0", 9130)
    assert named.named
    assert settings_of(tmp_path, "[admin]\nlisten = ''").admin.listen is None


@pytest.mark.parametrize("admin", ["127.0.0.1:3128", "[::]:9130", "127.0.0.2:9130", ""])
def test_listener_and_admin_server_may_differ_in_port_or_host(tmp_path: Path, admin: str) -> None:
    settings = settings_of(tmp_path, f"[[listen]]\naddress = '127.0.0.1:9130'\n[admin]\nlisten = '{admin}'")

    assert [str(address) for address in settings.listen] == ["127.0.0.1:9130"]
    assert str(settings.admin.listen or "") == admin


def test_the_remaining_admin_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("x")

    settings = settings_of(
        tmp_path, "[admin]\ntoken_file = 'admin.token'\nready_needs_upstream = true\n[probe]\nevery = '5m'"
    )

    assert settings.admin.token_file == tmp_path / "admin.token"
    assert settings.admin.ready_needs_upstream
    assert settings.probe_seconds == 300


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        pytest.param("", ListenAddress("0.0.0.0", 9130, named=False), id="unset"),
        pytest.param('[admin]\nlisten = ""\n', None, id="turned off"),
        pytest.param('[admin]\nlisten = "127.0.0.1:9130"\n', ListenAddress("127.0.0.1", 9130), id="set"),
    ],
)
def test_the_images_admin_address_gives_way_to_the_file(
    tmp_path: Path, text: str, listen: ListenAddress | None
) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)
    assert load(path, {"LICENSEGATE_ADMIN_DEFAULT": "0.0.0.0:9130"}).admin.listen == listen


def test_an_invalid_default_of_the_image_is_named_by_its_variable() -> None:
    with pytest.raises(SettingsError, match=r'^LICENSEGATE_ADMIN_DEFAULT: "x" is not an address'):
        load(None, {"LICENSEGATE_ADMIN_DEFAULT": "x"})
