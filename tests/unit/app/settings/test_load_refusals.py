"""Values that are refused, each named with its place."""

from pathlib import Path

import pytest

from licensegate.app.settings import SettingsError, load
from support.settings_file import pem_files, settings_of


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        settings_of(folder, text, environ)
    return str(raised.value).replace(f"{folder}/", "")


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
            id="listener on the admin server's address",
        ),
        pytest.param(
            "[[listen]]\naddress = '10.0.0.1:3128'\n[[listen]]\naddress = '0.0.0.0:9130'",
            "gate.toml: listen, item 2, address: 0.0.0.0:9130 is also the address of admin.listen, 127.0.0.1:9130; "
            "change one of them",
            id="listener on the default admin address",
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
            "[probe]\nhandshake = '5'",
            'gate.toml: probe.handshake: "5" is not an interval; '
            'write "off", or a whole number with s, m or h, like "5m"',
            id="looks without a unit",
        ),
        pytest.param(
            "[probe]\nroots = 'gone.pem'",
            "gate.toml: probe.roots: gone.pem: No such file or directory; name an existing PEM file",
            id="missing roots",
        ),
        pytest.param(
            "[[allowlist.rule]]\nhost = 's.example'\nca = 'gone.pem'",
            "gate.toml: allowlist.rule, item 1, ca: gone.pem: No such file or directory; name an existing PEM file",
            id="missing authorities of a rule",
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
            'gate.toml: log.access: "" is not a path; write one, or "-" for standard output',
            id="no path",
        ),
        pytest.param(
            "[log]\nservice = 'off'",
            'gate.toml: log.service: "off" would be the name of a file; write "-" for standard output, '
            '"syslog:///dev/log" for syslog, "/dev/null" for no log, or "./off" for that file',
            id="no log by its name",
        ),
        pytest.param(
            "[log]\naccess = '/var/log/licensegate/'",
            'gate.toml: log.access: "/var/log/licensegate/" is a directory; name a file in it',
            id="directory for the log",
        ),
        pytest.param(
            "[log]\naccess = 'gate.log'\nchanges = './gate.log'",
            "gate.toml: log.changes: gate.log is also the file of log.access; name another file",
            id="two logs in a file",
        ),
        pytest.param(
            "[log]\nchanges = './gate.toml'",
            "gate.toml: log.changes: gate.toml is a file that the gate reads; name another one for the log",
            id="changes in the settings file",
        ),
        pytest.param(
            "[log]\nchanges = 'off'",
            'gate.toml: log.changes: "off" would be the name of a file; write "-" for standard output, '
            '"syslog:///dev/log" for syslog, "/dev/null" for no log, or "./off" for that file',
            id="no changes by their name",
        ),
        pytest.param(
            "[log]\naccess = 'gate.toml'",
            "gate.toml: log.access: gate.toml is a file that the gate reads; name another one for the log",
            id="log in the settings file",
        ),
        pytest.param(
            "[tls]\ncertificate = 'gate.pem'\nkey = 'gate.key'\n[log]\naccess = './gate.key'",
            "gate.toml: log.access: gate.key is a file that the gate reads; name another one for the log",
            id="log in the key",
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


def test_an_invalid_default_of_the_image_is_named_by_its_variable() -> None:
    with pytest.raises(SettingsError, match=r'^LICENSEGATE_ADMIN_DEFAULT: "x" is not an address'):
        load(None, {"LICENSEGATE_ADMIN_DEFAULT": "x"})
