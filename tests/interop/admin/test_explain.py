"""`licensegate explain` after real failures: asking the gate that met them, and reading its access log."""

import json
import socket
import ssl
from pathlib import Path

import pytest

from licensegate.app import cli
from support.admin_client import admin_port, get_page, scrape
from support.gate import Gate
from support.licensing_exchange import HOST, TARGET
from support.raw_client import ask
from support.upstream import SECONDS

REFUSED = b"CONNECT smartreceiver.example:443 HTTP/1.1\r\n\r\n"


def reject_certificate(gate: Gate) -> None:
    """Open a tunnel as a client that lacks the target's root."""
    with socket.create_connection(("127.0.0.1", gate.port), SECONDS) as client:
        client.sendall(f"CONNECT {TARGET} HTTP/1.1\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(client, server_hostname=HOST)


def test_failures_are_explained_by_gate_and_log_alike(
    watched: Gate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(watched, REFUSED)
    reject_certificate(watched)
    log = tmp_path / "copy.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in watched.records(2)))

    assert cli.main(["explain", "--url", f"http://127.0.0.1:{admin_port(watched)}"]) == 1
    asked = capsys.readouterr().out
    assert cli.main(["explain", str(log)]) == 1
    read = capsys.readouterr().out

    assert asked.startswith(f"127.0.0.1 to {TARGET}: certificate_rejected, likely\n")
    assert "The client sent alert 48 (unknown_ca)" in asked
    assert "smartreceiver.example:443: target_not_allowed, certain\n" in asked
    assert asked == read
    assert "smartreceiver.example:443 is not in the allowlist" in answer.body.decode()


def test_pages_and_metrics_count_the_findings(watched: Gate) -> None:
    reject_certificate(watched)
    watched.records(1)

    (entry,) = get_page(watched, "/api/refusals").json["refusals"]
    assert entry["record"]["contact"] == "certificate_rejected"
    assert (entry["record"]["finding"], entry["cucm"]) == ("certificate_rejected", ["invalid trust chain pool"])
    (client,) = get_page(watched, "/api/clients").json["clients"]
    assert (client["finding"], client["certainty"]) == ("certificate_rejected", "likely")
    counted = scrape(watched).value("licensegate_findings_total", finding="certificate_rejected", certainty="likely")
    assert counted == 1
