"""Files that operators write: settings, policy tests, certificates, revocation lists, hosts and resolv.conf."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from licensegate.app.commands.policy_tests import CaseResult, try_policy
from licensegate.app.settings import Settings, SettingsError, load
from licensegate.app.settings.address import (
    read_connect_to,
    read_host,
    read_ip,
    read_listen,
    read_network,
    read_parent_url,
    read_rule_host,
)
from licensegate.app.settings.duration import read_every
from licensegate.app.settings.environment import override
from licensegate.app.settings.schema import File
from licensegate.certs.certificate_info import certificate_info
from licensegate.certs.pem import CertificateError, read_chain, read_crls, read_key
from licensegate.certs.revocation import review_revocation
from licensegate.certs.trust import check_trust
from licensegate.doctor.host.resolv_conf import ResolverSettings, parse_resolver_settings
from licensegate.proxy.dial.hosts_file import addresses_in
from support.certificates import issue, revoke

from ..target import FuzzTarget, as_file, assert_one_line, listed

EXAMPLE = (Path(__file__).parents[3] / "docs" / "licensegate.example.toml").read_bytes()
NOW = datetime(2026, 11, 30, tzinfo=UTC)
AUTHORITY = issue("authority", authority=True)
CRL = revoke(AUTHORITY, issue("client", AUTHORITY))
SETTINGS = (
    b'[clients]\nnetworks = ["10.0.0.0/8"]\n[[allowlist.rule]]\nhost = "ssm.example.net"\nusers = ["svc"]\n'
    b'[[allowlist.rule]]\nhost = "*.example.org"\nport = 8443\nnetworks = ["10.9.0.0/16"]\n'
)
POLICY = load(as_file(SETTINGS, "policy.toml"), {})
CASE = b'[[test]]\nclient = "10.1.2.3"\ntarget = "ssm.example.net"\nexpect = "allow"\nuser = "svc"\n'
TEXTS: dict[bytes, Callable[[str], object]] = {
    b"l": read_listen,
    b"n": read_network,
    b"c": read_connect_to,
    b"p": read_parent_url,
    b"i": read_ip,
    b"h": read_host,
    b"r": read_rule_host,
    b"e": read_every,
}
"""What reads one text of the settings, by the first byte of the input."""


def settings(data: bytes) -> Settings:
    return load(as_file(data, "gate.toml"), {})


def settings_text(data: bytes) -> object:
    read = TEXTS.get(data[:1], read_host)
    return read(data[1:].decode("utf-8", "replace"))


def settings_text_holds(data: bytes, outcome: object) -> None:
    """A host or address in normal form is read as itself."""
    if isinstance(outcome, str):
        assert TEXTS.get(data[:1], read_host)(outcome) == outcome


def variables(data: bytes) -> tuple[File, dict[str, str]]:
    """The settings that environment variables make: one in each line, as `limits.tunnels=5`."""
    environ = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        name, _, value = line.partition("=")
        environ[f"LICENSEGATE_{name.upper().replace('.', '_')}"] = value
    return override(File(), environ)


def policy_tests(data: bytes) -> list[CaseResult]:
    return try_policy(POLICY, as_file(data, "tests.toml"))


def certificates(data: bytes) -> list[bytes]:
    """The chain in a file; the key, too, if it has one."""
    path = as_file(data, "chain.pem")
    if b"KEY" in data:
        read_key(path)
    chain = read_chain(path)
    check_trust(chain, str(path))
    for part in chain:
        certificate_info(part, str(path))
    return chain


def revocation(data: bytes) -> list[str]:
    path = as_file(data, "client.crl")
    return [] if not read_crls(path) else list(review_revocation(path, as_file(AUTHORITY.pem, "authority.pem"), NOW))


def problems_hold(_data: bytes, outcome: list[str] | CertificateError) -> None:
    """Each problem is one line."""
    if not isinstance(outcome, CertificateError):
        for problem in outcome:
            assert_one_line(problem)


def hosts(data: bytes) -> tuple[str, ...]:
    return addresses_in(data, "ssm.example.net")


def resolver(data: bytes) -> ResolverSettings:
    return parse_resolver_settings(data.decode(errors="replace"))


TARGETS = (
    FuzzTarget(
        name="settings",
        read=settings,
        refuses=(SettingsError,),
        seeds=(
            SETTINGS,
            EXAMPLE,
            b"",
            b'\xef\xbb\xbf[log]\r\nlevel = "debug"\r\n',
            b"[limits]\ntunnels = 5\nwaiting_bytes = 1\n",
            b'[[listen]]\naddress = "127.0.0.1:3128"\nproxy_protocol = true\n[upstream]\nconnect_to = ["a:1:[::]:2"]\n',
            b'[[upstream.parent]]\nurl = "http://proxy.example:8080"\nnetworks = ["10.0.0.0/8"]\n[auth]\nrealm = "x"\n',
        ),
        words=(
            *listed(r"""
            \n [ ] [[ ]] \x20=\x20 " ' ''' { } , # = true 1e999 nan [[listen]]\n [limits]\n [allowlist]\n
            [[allowlist.rule]]\n [clients]\n [tunnel]\n [admin]\n address host port networks users presets
            2026-11-30T12:00:00Z \\u0000 \\uD800 0x7f a.b.c -1 9223372036854775808 \x1b \xe2\x80\xae
            """),
            b"9" * 4400,
            b"[" * 300,
        ),
        largest=16384,
    ),
    FuzzTarget(
        name="settings-text",
        read=settings_text,
        refuses=(ValueError,),
        holds=settings_text_holds,
        seeds=(
            b"l0.0.0.0:3128",
            b"l[::1]:0",
            b"l:3128",
            b"lhttp://localhost:3128/",
            b"n10.0.0.0/8",
            b"nfd00::/8",
            b"n::ffff:10.0.0.0/104",
            b"ctools.cisco.com:443:127.0.0.1:8443",
            b"phttp://proxy.example:8080",
            b"phttps://[::1]:3128",
            b"i192.0.2.1",
            b"e5m",
            b"eoff",
            "hmünchen.example".encode(),
            b"h*.example.org",
            b"r*.example.org",
            b"hhttps://a.example/",
            b"h[2001:db8::1]",
            b"r.example.org",
        ),
        words=(*listed(r": . / [ ] *. http:// @ %eth0 :: 65536 \xc2\xb2 \xd9\xa3 xn-- \xe3\x80\x82"), "ß".encode()),
        largest=300,
    ),
    FuzzTarget(
        name="settings-variables",
        read=variables,
        refuses=(SettingsError,),
        seeds=(
            b"limits.tunnels=5",
            b"listen=0.0.0.0:3128",
            b"log.level=debug\nclients.networks=10.0.0.0/8,fd00::/8",
            b"config=a",
            b"x",
        ),
        words=(
            *listed(r"\n = . , limits. tunnels admin.address listen upstream.connect_to true \xff 1e9"),
            b"9" * 4400,
        ),
        largest=8192,
    ),
    FuzzTarget(
        name="policy-tests",
        read=policy_tests,
        refuses=(SettingsError,),
        seeds=(
            CASE,
            CASE + CASE.replace(b"allow", b"deny") + b'outcome = "target_not_allowed"\n',
            b"[[test]]\n",
            b"test = 3",
            b"",
        ),
        words=listed(r"""
            [[test]]\n client\x20=\x20 target\x20=\x20 expect\x20=\x20 "allow" "deny" "report"
            name\x20=\x20 certificates\x20=\x20[ " \n
            """),
    ),
    FuzzTarget(
        name="certificate-file",
        read=certificates,
        refuses=(CertificateError,),
        seeds=(AUTHORITY.pem, AUTHORITY.key_pem() + AUTHORITY.pem, AUTHORITY.key_pem(b"x"), b"0\x82\1\0", b""),
        words=listed(r"""
            -----BEGIN\x20CERTIFICATE-----\n -----END\x20CERTIFICATE-----\n
            -----BEGIN\x20PRIVATE\x20KEY----- ENCRYPTED\x20 = \n MII
            """),
    ),
    FuzzTarget(
        name="revocation-list",
        read=revocation,
        refuses=(CertificateError,),
        holds=problems_hold,
        seeds=(CRL, CRL + CRL, b"0\x82", b""),
        words=(*listed(r"-----BEGIN\x20X509\x20CRL-----\n -----END\x20X509\x20CRL-----\n = \n MII"), b"A" * 8),
        largest=2048,
    ),
    FuzzTarget(
        name="hosts-file",
        read=hosts,
        seeds=(
            b"127.0.0.1 localhost\n192.0.2.7 ssm.example.net ssm\n::1 SSM.example.net.\n",
            b"fe80::1%eth0 ssm.example.net",
            b"# ssm.example.net",
        ),
        words=listed(r"ssm.example.net \n \x20 \t # ::ffff:1.2.3.4 % 192.0.2.7 0x1"),
        largest=2048,
    ),
    FuzzTarget(
        name="resolv-conf",
        read=resolver,
        seeds=(
            b"nameserver 192.0.2.53\nsearch corp.example example.com\noptions ndots:2 timeout:1\n",
            b"domain a.example\n",
            b"",
        ),
        words=(*listed(r"nameserver\x20 search\x20 options\x20ndots: \n \xc2\xb2 -1 \x20 \x0c"), b"9" * 4400),
        largest=8192,
    ),
)
