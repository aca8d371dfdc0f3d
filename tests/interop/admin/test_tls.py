"""The admin server over TLS, with the gate's own certificate."""

import contextlib
import hashlib
import http.client
import signal
import socket
import ssl
from pathlib import Path

import pytest

from licensegate.app import cli
from support.admin_client import ANY_PORT, admin_port, get_page
from support.certificates import issue
from support.gate import Gate, gate_settings
from support.upstream import SECONDS, closed_port

CERTIFICATE = '[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n'


def secure_page(gate: Gate, path: str) -> tuple[int, dict[str, str], str]:
    """The status, the header fields and the certificate's SHA-256 of a page over TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", admin_port(gate), timeout=SECONDS, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    shown = connection.sock.getpeercert(binary_form=True) or b""
    connection.close()
    return answer.status, dict(answer.getheaders()), hashlib.sha256(shown).hexdigest()


def test_pages_come_over_tls_with_the_certificate_in_force(tmp_path: Path) -> None:
    first, second = issue(), issue()
    first.write(tmp_path)
    settings = gate_settings(admin=ANY_PORT, more=CERTIFICATE)
    secure = settings.replace("[admin]", "[admin]\ntls = true")
    with Gate(tmp_path, secure) as gate:
        status, fields, shown = secure_page(gate, "/healthz")
        assert (status, fields["Server"]) == (200, "LicenseGate")
        assert shown == hashlib.sha256(ssl.PEM_cert_to_DER_cert(first.pem.decode())).hexdigest()
        assert f"https://127.0.0.1:{admin_port(gate)}/" in "".join(gate.stderr)

        second.write(tmp_path)
        gate.await_line("a new certificate is in force")
        assert secure_page(gate, "/clients")[2] != shown

        with pytest.raises((http.client.HTTPException, ConnectionError)):
            get_page(gate, "/healthz")
        with contextlib.closing(socket.create_connection(("127.0.0.1", admin_port(gate)), SECONDS)) as silent:
            assert secure_page(gate, "/readyz")[0] == 200, "a handshake that stands still delays nobody"
            silent.sendall(b"\x16\x03\x01")

        gate.settings.write_text(settings)
        gate.send(signal.SIGHUP)
        gate.await_line("reload requested by SIGHUP")
        assert get_page(gate, "/healthz").status == 200


def test_health_and_explain_ask_over_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = closed_port()
    settings = gate_settings(admin=f"127.0.0.1:{port}").replace("[admin]", "[admin]\ntls = true")
    with Gate(tmp_path, settings) as gate:
        config = ["--config", str(gate.settings)]
        assert cli.main(["health", *config]) == 0
        assert cli.main(["health", "--url", f"https://127.0.0.1:{port}", "readyz"]) == 0
        assert cli.main(["explain", *config]) == 0

    assert capsys.readouterr().out.startswith('200 {"status":"ok"}\n')
