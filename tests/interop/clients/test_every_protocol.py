"""Every client through plain HTTP, through TLS to the gate, and by bare TLS with its name resolved to the gate.

On ports 443, 3128 and 8080 alike. Which client knows which way is said in `support.clients`: Java and openssl s_client
have no mode for TLS to a proxy.
"""

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import pytest

from support.client import PORTS, Client, Door, Tells
from support.clients import CLIENTS
from support.exchange import (
    ALARMS,
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
from support.testbed import Place

every_client = pytest.mark.parametrize("client", CLIENTS, ids=str)


@every_client
def test_a_message_gets_through_every_way_in_on_every_port(place: Place, client: Client) -> None:
    """And to a server whose TLS is no newer than 1.2, since that looks different from outside."""
    ways = [(door, port, URL) for door in client.doors for port in PORTS] + [(Door.HTTP, 3128, OLD_URL)]

    shown = place.post(client, [door.visit(port, url) for door, port, url in ways])

    assert all('"stand_in": true' in text for text in shown), shown
    assert_posted([place.standin, place.old_standin], len(ways))
    records = place.gate.records(len(ways))
    assert sorted(map(way_of, records)) == sorted(ways)
    for record in records:
        assert_served(record)
        assert ("gate_tls" in record) == (record["protocol"] == "https")
        if record["protocol"] != "tls":
            assert record["http_version"] == client.http
            assert re.match(client.agent, record.get("user_agent", ""))


@every_client
def test_a_refusal_is_shown_with_its_reason_whichever_way_it_came(place: Place, client: Client) -> None:
    proxied = [(door, refusal) for door in client.doors if door is not Door.TLS for refusal in REFUSALS]
    direct = ALARMS if Door.TLS in client.doors else ()
    visits = [door.visit(url=refusal.url) for door, refusal in proxied]
    visits += [Door.TLS.visit(url=f"https://{alarm.host}/") for alarm in direct]

    shown = place.post(client, visits)

    records = sorted(place.gate.records(len(visits)), key=itemgetter("id"))  # in the order of the visits
    assert len(records) == len(visits) == len(shown)
    for (door, refusal), text, record in zip(proxied, shown, records, strict=False):
        assert_shows(client, text, refusal)
        assert record["protocol"] == door
        assert_refused(record, refusal)
    for alarm, text, record in zip(direct, shown[len(proxied) :], records[len(proxied) :], strict=True):
        assert_names_alert(alarm.alert, text)
        assert (record["outcome"], record["protocol"]) == (alarm.outcome, "tls")
    assert not place.standin.connections


@pytest.mark.parametrize("client", [client for client in CLIENTS if Door.HTTPS in client.doors], ids=str)
def test_a_stranger_that_speaks_tls_to_the_proxy_is_denied_access(place: Place, client: Client) -> None:
    (shown,) = place.post(client, [Door.HTTPS.visit(gate=OUTSIDE_NAME)])

    assert_names_alert("access_denied", shown)
    (record,) = place.gate.records(1)
    assert record["outcome"] == "client_not_allowed"


@pytest.mark.parametrize("client", [client for client in CLIENTS if client.renames], ids=str)
def test_a_tunnel_that_is_used_for_another_server_ends_with_an_alert(place: Place, client: Client) -> None:
    doors = [door for door in client.doors if door is not Door.TLS]

    shown = place.post(client, [door.visit(server_name=OLD_HOST) for door in doors])

    records = place.gate.records(len(doors))
    for text, record in zip(shown, records, strict=True):
        assert_names_alert("unrecognized_name", text)
        assert (record["outcome"], record["server_name_check"]) == ("server_name_mismatch", "mismatch")
        assert (record["target"], record["server_name"]) == (TARGET, OLD_HOST)
        assert "upstream_written" not in record


def way_of(record: Mapping[str, Any]) -> tuple[Door, int, str]:
    """By which door, on which port, for which URL."""
    port = int(record["listener"].rpartition(":")[2])
    return Door(record["protocol"]), port, {TARGET: URL, f"{OLD_HOST}:443": OLD_URL}[record["target"]]


def assert_shows(client: Client, text: str, refusal: Refusal) -> None:
    """The client shows of the refusal what it shows of any, and of that everything."""
    found = re.search(client.refusal, text)
    assert found, text
    status_line = " ".join(found.groups())
    if client.tells is Tells.CODE:
        assert status_line == str(refusal.status)
    else:
        assert_explains(status_line, refusal)
    if client.tells is Tells.BODY:
        assert re.search(rf"\({refusal.outcome}, [0-9a-f]+\)\n\Z", text), "the body ends with the record's id"


def assert_names_alert(name: str, text: str) -> None:
    assert name in text.lower().replace(" ", "_")
