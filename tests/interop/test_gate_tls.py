"""TLS to the gate with curl and `openssl s_client`: its certificate, its versions and ALPN, client certificates.

That every client works over it is tested in `clients/`.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authority import Authority, Leaf
from support.gate import Gate, cisco_at
from support.licensing_exchange import MESSAGE, URL, assert_served
from support.programs import run
from support.requirements import require_command
from support.standin import StandIn

NAME = "gate.example.net"
CLIENT = "cucm-pub.example.net"


@pytest.fixture(scope="module")
def client_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The test CA that signs client certificates."""
    return Authority(tmp_path_factory.mktemp("clients"), "LicenseGate test CA of clients")


@pytest.fixture
def secure_gate(tmp_path: Path, standin: StandIn, authority: Authority, client_authority: Authority) -> Iterator[Gate]:
    """A gate with a certificate of the test CA that requests client certificates."""
    leaf = authority.issue(NAME)
    tls = f'[tls]\ncertificate = "{leaf.chain}"\nkey = "{leaf.key}"\n[auth]\nclient_ca = "{client_authority.root}"\n'
    with Gate(tmp_path, cisco_at(standin.port, more=tls)) as gate:
        yield gate


def post(proxy: str, gate_root: Path, authority: Authority, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """Post the message with curl over TLS to the gate."""
    trust = ("--proxy-cacert", gate_root, "--cacert", authority.root)
    fixed = ("--silent", "--show-error", "--proxy", proxy, *trust, "--data-binary", "@-")
    return run(require_command("curl", "curl"), *fixed, *options, URL, stdin=MESSAGE)


def post_by_name(gate: Gate, authority: Authority, leaf: Leaf | None = None) -> subprocess.CompletedProcess[str]:
    """Post by the gate's name, with a client certificate if given."""
    own = ("--proxy-cert", leaf.chain, "--proxy-key", leaf.key) if leaf else ()
    where = ("--resolve", f"{NAME}:{gate.port}:127.0.0.1")
    return post(f"https://{NAME}:{gate.port}", authority.root, authority, *where, *own)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_self_signed_certificate_is_valid_for_address_and_name(
    tmp_path: Path, standin: StandIn, authority: Authority, host: str
) -> None:
    (tmp_path / "state").mkdir()
    settings = cisco_at(standin.port, more='[state]\ndirectory = "state"\n')
    with Gate(tmp_path, settings) as gate:
        made = tmp_path / "state/gate.pem"
        done = post(f"https://{host}:{gate.port}", made, authority)
        shown = run(require_command("openssl", "openssl"), "x509", "-in", made, "-noout", "-fingerprint", "-sha256")

    assert '"stand_in": true' in done.stdout, done.stderr
    fingerprint = shown.stdout.strip().partition("=")[2]
    assert any(fingerprint in line for line in gate.stderr)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_gate_offers_tls_1_2_and_1_3_and_http_1_1_only(
    secure_gate: Gate, authority: Authority, version: str
) -> None:
    done = handshake(secure_gate, authority, f"-tls{version.replace('.', '_')}", "-alpn", "h2,http/1.1")

    assert "ALPN protocol: http/1.1" in done.stdout
    assert f"New, TLSv{version}" in done.stdout
    assert "HTTP/1.1 403 target_not_allowed" in done.stdout
    (record,) = secure_gate.records(1)
    assert record["gate_tls"] == f"TLSv{version}"


def handshake(gate: Gate, authority: Authority, *options: str) -> subprocess.CompletedProcess[str]:
    """Request a refused target with s_client, inside TLS to the gate."""
    where = ("-connect", f"127.0.0.1:{gate.port}", "-servername", NAME, "-CAfile", authority.root, "-ign_eof")
    request = b"CONNECT webex.example:443 HTTP/1.1\r\n\r\n"
    return run(require_command("openssl", "openssl"), "s_client", *where, *options, stdin=request)


def test_the_record_names_the_client_certificate(
    secure_gate: Gate, authority: Authority, client_authority: Authority
) -> None:
    done = post_by_name(secure_gate, authority, client_authority.issue(CLIENT))

    assert '"stand_in": true' in done.stdout, done.stderr
    (record,) = secure_gate.records(1)
    assert_served(record)
    assert record["client_certificate"].startswith("CN=")
    assert record["client_certificate"].endswith(f"; DNS:{CLIENT}")


def test_a_client_without_a_certificate_is_served(secure_gate: Gate, authority: Authority) -> None:
    done = post_by_name(secure_gate, authority)

    assert '"stand_in": true' in done.stdout, done.stderr
    (record,) = secure_gate.records(1)
    assert_served(record)
    assert "client_certificate" not in record


def test_a_client_certificate_of_an_unknown_ca_fails_the_handshake(secure_gate: Gate, authority: Authority) -> None:
    done = post_by_name(secure_gate, authority, authority.issue(CLIENT))

    assert "alert unknown ca" in done.stderr
    (record,) = secure_gate.records(1)
    assert (record["outcome"], record["ended_by"]) == ("handshake_failed", "gate")
    assert record["detail"].startswith("the client's certificate: ")


def test_the_gate_ends_a_handshake_without_a_common_version_or_cipher(secure_gate: Gate, authority: Authority) -> None:
    for options in (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")):
        handshake(secure_gate, authority, *options)

    records = secure_gate.records(2)
    assert [(record["outcome"], record["ended_by"]) for record in records] == [("handshake_failed", "gate")] * 2
    assert len({record["detail"] for record in records}) == 2


def test_a_client_that_finds_another_name_in_the_certificate_is_recorded(
    secure_gate: Gate, authority: Authority
) -> None:
    """curl compares the name once the handshake is complete, and closes. So do other clients of OpenSSL."""
    proxy = f"https://127.0.0.1:{secure_gate.port}"

    shown = [post(proxy, authority.root, authority).stderr for _ in range(3)]
    post_by_name(secure_gate, authority)

    assert all("127.0.0.1" in text for text in shown), shown
    first, served = secure_gate.records(2)
    assert (first["outcome"], first["ended_by"], first["gate_tls"]) == ("closed_after_handshake", "client", "TLSv1.3")
    assert_served(served)
