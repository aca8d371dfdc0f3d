"""What the record tells of a client that rejects a certificate: the target's, seen from outside, or the gate's own.

Most say so by an alert, which TLS 1.3 hides in a record of at most 40 bytes if the client sends it late. Node, aiohttp
and java.net.http say nothing: they leave, and their records tell no more than that.
"""

from operator import itemgetter

import pytest

from support.client import Client, Door, Rejects
from support.clients import CLIENTS
from support.exchange import OLD_URL, URL, carried_data, certificate_rejected
from support.testbed import Place

UNKNOWN_CA, CERTIFICATE_UNKNOWN = 48, 46  # RFC 8446 section 6.2


@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_a_client_that_rejects_the_targets_certificate_is_known_by_what_it_says(place: Place, client: Client) -> None:
    shown = place.post(client, [Door.HTTP.visit(url=URL), Door.HTTP.visit(url=OLD_URL)], trust=place.nobody)

    assert all("certifi" in text for text in shown), shown
    newer, older = records = sorted(place.gate.records(2), key=itemgetter("id"))
    for record in records:
        assert record["status"] == 200
        assert record["server_name_check"] == "match"
        assert not carried_data(record)
        assert certificate_rejected(record) == (client.rejects is not Rejects.SILENTLY)
    alerts = {
        Rejects.ALOUD: (UNKNOWN_CA, UNKNOWN_CA),
        Rejects.SEALED: (None, CERTIFICATE_UNKNOWN),
        Rejects.SILENTLY: (None, None),
    }
    assert (newer.get("client_alert"), older.get("client_alert")) == alerts[client.rejects]


@pytest.mark.parametrize("client", [client for client in CLIENTS if Door.HTTPS in client.doors], ids=str)
def test_a_client_that_does_not_trust_the_gate_is_recorded_as_that_if_it_says_so(place: Place, client: Client) -> None:
    (shown,) = place.post(client, [Door.HTTPS.visit()], trust=place.targets_only)

    assert "certificate" in shown
    (record,) = place.gate.records(1)
    assert record["protocol"] == "https"
    said = client.rejects is not Rejects.SILENTLY
    assert record["outcome"] == ("gate_certificate_rejected" if said else "handshake_failed")
