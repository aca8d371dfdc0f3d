"""What the record tells of a client that rejects a certificate: the target's, seen from outside, or the gate's own.

Most say so by an alert, which TLS 1.3 hides in a record of at most 40 bytes if the client sends it late. Node, aiohttp
and java.net.http say nothing: they leave, and their records tell no more than that.
"""

from operator import itemgetter

import pytest

from support.client import CertificateAlert, Client, GateProtocol
from support.clients import CLIENTS
from support.exchange import OLD_URL, URL, carried_data, certificate_rejected
from support.testbed import Testbed

UNKNOWN_CA, CERTIFICATE_UNKNOWN = 48, 46  # RFC 8446 section 6.2


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_a_client_that_rejects_the_targets_certificate_is_known_by_what_it_says(
    testbed: Testbed, client: Client
) -> None:
    shown = testbed.post(
        client, [GateProtocol.HTTP.post_via(url=URL), GateProtocol.HTTP.post_via(url=OLD_URL)], trust=testbed.nobody
    )

    assert all("certifi" in text for text in shown), shown
    newer, older = records = sorted(testbed.gate.records(2), key=itemgetter("id"))
    for record in records:
        assert record["status"] == 200
        assert record["server_name_check"] == "match"
        assert not carried_data(record)
        assert certificate_rejected(record) == (client.certificate_alert is not CertificateAlert.NONE)
    alerts = {
        CertificateAlert.IN_THE_CLEAR: (UNKNOWN_CA, UNKNOWN_CA),
        CertificateAlert.ENCRYPTED: (None, CERTIFICATE_UNKNOWN),
        CertificateAlert.NONE: (None, None),
    }
    assert (newer.get("client_alert"), older.get("client_alert")) == alerts[client.certificate_alert]


@pytest.mark.parametrize("client", [client for client in CLIENTS if GateProtocol.HTTPS in client.protocols], ids=str)
def test_a_client_that_does_not_trust_the_gate_is_recorded_as_that_if_it_says_so(
    testbed: Testbed, client: Client
) -> None:
    (shown,) = testbed.post(client, [GateProtocol.HTTPS.post_via()], trust=testbed.targets_only)

    assert "certificate" in shown
    (record,) = testbed.gate.records(1)
    assert record["protocol"] == "https"
    said = client.certificate_alert is not CertificateAlert.NONE
    assert record["outcome"] == ("gate_certificate_rejected" if said else "handshake_failed")
