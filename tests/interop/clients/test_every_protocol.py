"""Every client over plain HTTP, over TLS to the gate, and over bare TLS with the target's name resolved to the gate.

Each on ports 443, 3128 and 8080. `support.clients` says which client supports which protocol.
"""

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import pytest

from support.client_program import PORTS, Client, GateProtocol, RefusalDetail
from support.clients import CLIENTS
from support.lab import Lab
from support.licensing_exchange import (
    ALERT_REFUSALS,
    OLD_HOST,
    OLD_URL,
    OUTSIDE_NAME,
    REFUSALS,
    TARGET,
    URL,
    Refusal,
    assert_explains,
    assert_posted,
    assert_refused,
    assert_served,
)

every_client = pytest.mark.parametrize("client", CLIENTS, ids=str)


@every_client
def test_a_post_succeeds_over_every_protocol_on_every_port(lab: Lab, client: Client) -> None:
    """Also to a server with TLS 1.2 only, whose records look different to the gate."""
    routes = [(protocol, port, URL) for protocol in client.protocols for port in PORTS] + [
        (GateProtocol.HTTP, 3128, OLD_URL)
    ]

    shown = lab.post(client, [protocol.post_via(port, url) for protocol, port, url in routes])

    assert all('"stand_in": true' in text for text in shown), shown
    assert_posted([lab.standin, lab.old_standin], len(routes))
    records = lab.gate.records(len(routes))
    assert sorted(map(route_of, records)) == sorted(routes)
    for record in records:
        assert_served(record)
        assert ("gate_tls" in record) == (record["protocol"] == "https")
        if record["protocol"] != "tls":
            assert record["http_version"] == client.http
            assert re.match(client.agent, record.get("user_agent", ""))


@every_client
def test_a_refusal_is_shown_with_its_reason_over_every_protocol(lab: Lab, client: Client) -> None:
    proxied = [
        (protocol, refusal) for protocol in client.protocols if protocol is not GateProtocol.TLS for refusal in REFUSALS
    ]
    direct = ALERT_REFUSALS if GateProtocol.TLS in client.protocols else ()
    posts = [protocol.post_via(url=refusal.url) for protocol, refusal in proxied]
    posts += [GateProtocol.TLS.post_via(url=f"https://{refused.host}/") for refused in direct]

    shown = lab.post(client, posts)

    records = sorted(lab.gate.records(len(posts)), key=itemgetter("id"))  # in the order of the POSTs
    assert len(records) == len(posts) == len(shown)
    for (protocol, refusal), text, record in zip(proxied, shown, records, strict=False):
        assert_shows(client, text, refusal)
        assert record["protocol"] == protocol
        assert_refused(record, refusal)
    for refused, text, record in zip(direct, shown[len(proxied) :], records[len(proxied) :], strict=True):
        assert_names_alert(refused.alert, text)
        assert (record["outcome"], record["protocol"]) == (refused.outcome, "tls")
    assert not lab.standin.connections


@pytest.mark.parametrize("client", [client for client in CLIENTS if GateProtocol.HTTPS in client.protocols], ids=str)
def test_a_client_outside_the_networks_gets_access_denied_over_tls(lab: Lab, client: Client) -> None:
    (shown,) = lab.post(client, [GateProtocol.HTTPS.post_via(gate=OUTSIDE_NAME)])

    assert_names_alert("access_denied", shown)
    (record,) = lab.gate.records(1)
    assert record["outcome"] == "client_not_allowed"


@pytest.mark.parametrize("client", [client for client in CLIENTS if client.sets_server_name], ids=str)
def test_tls_for_another_server_in_a_tunnel_gets_an_alert(lab: Lab, client: Client) -> None:
    protocols = [protocol for protocol in client.protocols if protocol is not GateProtocol.TLS]

    shown = lab.post(client, [protocol.post_via(server_name=OLD_HOST) for protocol in protocols])

    records = lab.gate.records(len(protocols))
    for text, record in zip(shown, records, strict=True):
        assert_names_alert("unrecognized_name", text)
        assert (record["outcome"], record["server_name_check"]) == ("server_name_mismatch", "mismatch")
        assert (record["target"], record["server_name"]) == (TARGET, OLD_HOST)
        assert "upstream_written" not in record


def route_of(record: Mapping[str, Any]) -> tuple[GateProtocol, int, str]:
    """The protocol, port and URL of a record."""
    port = int(record["listener"].rpartition(":")[2])
    return GateProtocol(record["protocol"]), port, {TARGET: URL, f"{OLD_HOST}:443": OLD_URL}[record["target"]]


def assert_shows(client: Client, text: str, refusal: Refusal) -> None:
    """The text has all that this client can show of a refusal."""
    found = re.search(client.refusal, text)
    assert found, text
    status_line = " ".join(found.groups())
    if client.refusal_detail is RefusalDetail.CODE:
        assert status_line == str(refusal.status)
    else:
        assert_explains(status_line, refusal)
    if client.refusal_detail is RefusalDetail.BODY:
        assert re.search(rf"\({refusal.outcome}, [0-9a-f]+\)\n\Z", text), "the body does not end with the record's id"


def assert_names_alert(name: str, text: str) -> None:
    assert name in text.lower().replace(" ", "_")
