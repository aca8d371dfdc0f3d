"""Records of clients that reject a certificate, the target's or the gate's.

Most clients send an alert. In TLS 1.3 a late alert is encrypted, in a record of at most 40 bytes. Node, aiohttp and
java.net.http just close, mostly before their alert is out, so their records cannot be relied on to tell.
"""

from operator import itemgetter

import pytest

from support.client_program import CertificateAlert, Client, GateProtocol
from support.clients import CLIENTS
from support.lab import Lab
from support.licensing_exchange import OLD_URL, URL, carried_data, certificate_rejected

UNKNOWN_CA, CERTIFICATE_UNKNOWN = 48, 46  # RFC 8446 section 6.2


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_the_record_has_the_alert_of_a_rejected_target_certificate(lab: Lab, client: Client) -> None:
    shown = lab.post(
        client, [GateProtocol.HTTP.post_via(url=URL), GateProtocol.HTTP.post_via(url=OLD_URL)], trust=lab.unrelated
    )

    assert all("certifi" in text for text in shown), shown
    newer, older = records = sorted(lab.gate.records(2), key=itemgetter("id"))
    for record in records:
        assert record["status"] == 200
        assert record["server_name_check"] == "match"
        assert not carried_data(record)
        if client.certificate_alert is not CertificateAlert.NONE:
            assert certificate_rejected(record)
    alerts: dict[CertificateAlert, tuple[set[int | None], set[int | None]]] = {
        CertificateAlert.IN_THE_CLEAR: ({UNKNOWN_CA}, {UNKNOWN_CA}),
        CertificateAlert.ENCRYPTED: ({None}, {CERTIFICATE_UNKNOWN}),
        CertificateAlert.NONE: ({None}, {None, CERTIFICATE_UNKNOWN}),
    }
    of_newer, of_older = alerts[client.certificate_alert]
    assert newer.get("client_alert") in of_newer
    assert older.get("client_alert") in of_older


@pytest.mark.parametrize("client", [client for client in CLIENTS if GateProtocol.HTTPS in client.protocols], ids=str)
def test_an_alert_against_the_gates_certificate_is_its_outcome(lab: Lab, client: Client) -> None:
    (shown,) = lab.post(client, [GateProtocol.HTTPS.post_via()], trust=lab.targets_only)

    assert "certificate" in shown
    (record,) = lab.gate.records(1)
    assert record["protocol"] == "https"
    unreliable = {"handshake_failed"} if client.certificate_alert is CertificateAlert.NONE else set()
    assert record["outcome"] in {"gate_certificate_rejected"} | unreliable
