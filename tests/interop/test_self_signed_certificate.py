"""Clients accept the gate's self-signed certificate as a trusted root, for every name in it."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.certs.load_or_create import load_or_create_identity
from support.blocking_channel import BlockingChannel
from support.programs import run
from support.requirements import require_command
from support.upstream import SECONDS, Upstream

NAMES = ("gate.example", "*.gates.example", "127.0.0.1")
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\nConnection: close\r\n\r\nthe gate\n"

BY_NAME = pytest.mark.parametrize("name", ["gate.example", "one.gates.example", "127.0.0.1"])


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """The certificate file in the state directory, which an administrator gives to clients."""
    load_or_create_identity(None, None, NAMES, None, tmp_path)
    return tmp_path / "gate.pem"


@pytest.fixture
def gate(certificate: Path) -> Iterator[Upstream]:
    """A TLS server with that certificate that answers one request per connection."""
    served = load_or_create_identity(None, None, NAMES, None, certificate.parent).value.context

    def behave(sock: socket.socket) -> None:
        client = BlockingChannel(sock, served)
        if client.read():
            client.send(RESPONSE)
        client.close_notify()

    with Upstream(behave) as server:
        yield server


@BY_NAME
def test_curl_accepts_the_certificate(gate: Upstream, certificate: Path, name: str) -> None:
    to_gate = ("--connect-to", f"{name}:443:127.0.0.1:{gate.port}")

    done = run(require_command("curl", "curl"), "--silent", "--cacert", certificate, *to_gate, f"https://{name}/")

    assert (done.returncode, done.stdout) == (0, "the gate\n")


@BY_NAME
def test_openssl_in_strict_mode_accepts_the_certificate(gate: Upstream, certificate: Path, name: str) -> None:
    check = "-verify_ip" if name[0].isdigit() else "-verify_hostname"
    strict = ("-x509_strict", "-verify_return_error", "-auth_level", "3", check, name)

    command = (require_command("openssl", "openssl"), "s_client", "-CAfile", certificate, *strict)
    done = run(*command, "-connect", f"127.0.0.1:{gate.port}", "-ign_eof", stdin=b"GET / HTTP/1.1\r\n\r\n")

    assert done.returncode == 0, done.stderr
    assert "the gate\n" in done.stdout


@BY_NAME
def test_python_in_strict_mode_accepts_the_certificate(gate: Upstream, certificate: Path, name: str) -> None:
    """These flags are the default from Python 3.13 on."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN

    tcp = socket.create_connection(("127.0.0.1", gate.port), SECONDS)
    with context.wrap_socket(tcp, server_hostname=name) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(1000) == RESPONSE


NODE = """
const https = require('https');
const [ca, port, name] = process.argv.slice(1);
const options = {ca: require('fs').readFileSync(ca), host: '127.0.0.1', port, servername: name[0] === '1' ? '' : name};
options.checkServerIdentity = (_, certificate) => require('tls').checkServerIdentity(name, certificate);
https.get(options, (response) => response.pipe(process.stdout));
"""


@BY_NAME
def test_node_accepts_the_certificate(gate: Upstream, certificate: Path, name: str) -> None:
    done = run(require_command("node", "nodejs"), "-e", NODE, certificate, str(gate.port), name)

    assert (done.returncode, done.stdout) == (0, "the gate\n"), done.stderr


@BY_NAME
def test_gnutls_accepts_the_certificate(gate: Upstream, certificate: Path, name: str) -> None:
    trust = (f"--x509cafile={certificate}", f"--verify-hostname={name}")

    command = (require_command("gnutls-cli", "gnutls-bin"), *trust, "--port", str(gate.port), "127.0.0.1")
    done = run(*command, stdin=b"GET / HTTP/1.1\r\n\r\n")

    assert done.returncode == 0, done.stderr
    assert "The certificate is trusted" in done.stdout
