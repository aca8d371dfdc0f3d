"""The bodies of the pages, and that text sent by clients stays text."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import msgspec

from licensegate.app.admin.pages import clients_page, refusals_page, tunnels_page
from licensegate.app.observers.recent import Clients, Refusals
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.proxy.protocol.states import State
from licensegate.proxy.tunnel.context import ClientConnection
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome
from licensegate.records.record import RefusalTaken, TunnelRecord
from licensegate.records.target_verdict import TargetVerdict
from support.diagnosed import failed, look
from support.records import NOON, record, tunnel


class FakeConnection:
    """An open connection with this record."""

    def __init__(self, made: TunnelRecord, state: State = State.RELAYING) -> None:
        self.conversation = self
        self.state = state
        self.record = made

    def so_far(self) -> TunnelRecord:
        return msgspec.structs.replace(self.record, client_read=77)


class FakeGate:
    def __init__(self, *connections: FakeConnection) -> None:
        self.connections = cast(set[ClientConnection], set(connections))


def shown(page: Iterator[bytes]) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(b"".join(page)))


def test_tunnels_lists_open_connections_oldest_first() -> None:
    younger = FakeConnection(record(after=5, client="10.0.0.2"), State.DIALLING)
    older = FakeConnection(tunnel(None, after=1))

    page = shown(tunnels_page(FakeGate(younger, older)))

    assert page["open"] == 2
    assert [one["state"] for one in page["tunnels"]] == ["relaying", "dialling"]
    assert page["tunnels"][0]["record"]["event"] == "start"
    assert page["tunnels"][0]["record"]["client_read"] == 77, "as far as it is now"
    assert page["tunnels"][1]["record"]["client"] == "10.0.0.2"


def test_tunnels_lists_at_most_the_500_oldest() -> None:
    page = shown(tunnels_page(FakeGate(*(FakeConnection(record(after=number)) for number in range(600)))))

    assert page["open"] == 600
    assert len(page["tunnels"]) == 500
    assert page["tunnels"][0]["record"]["time"] == "2026-03-02T12:00:00Z"


def test_refusals_lists_remedies_newest_first() -> None:
    refusals = Refusals()
    refusals.observe([record(Outcome.HEAD_TIMEOUT), record(Outcome.TARGET_IN_PRESET, target="x:443", detail="cucm")])

    newest, older = shown(refusals_page(refusals, Diagnosis()))["refusals"]

    assert newest["sentence"] == "x:443 is not in the allowlist, but the preset cucm would allow it."
    assert newest["remedy"] == "Add that preset to allowlist.presets."
    assert newest["record"]["outcome"] == "target_in_preset"
    assert older["record"]["outcome"] == "head_timeout"


def test_refusals_shows_failed_tunnels_by_what_is_known_now() -> None:
    diagnosis, refusals = Diagnosis(), Refusals()
    records = [failed(Contact.CERTIFICATE_REJECTED), failed(Contact.ANSWERED, answered_ms=200.0)]
    diagnosis.observe(records)
    refusals.observe(records)
    diagnosis.seen(look(TargetVerdict.PUBLIC, ago=-5))

    (entry,) = shown(refusals_page(refusals, diagnosis))["refusals"]

    assert "it probably lacks the root" in entry["sentence"]
    assert entry["cucm"] == ["invalid trust chain pool"]
    assert (entry["record"]["finding"], entry["record"]["certainty"]) == ("missing_root", "likely")


def test_clients_shows_the_finding_of_the_last_connection_or_silence() -> None:
    diagnosis, clients = Diagnosis(), Clients()
    records = [failed(Contact.ANSWERED, after=day * 86_400, answered_ms=200.0) for day in range(6)]
    diagnosis.observe(records)
    clients.observe(records)

    (entry,) = shown(clients_page(clients, diagnosis, NOON + timedelta(days=6)))["clients"]
    assert (entry["finding"], entry["certainty"]) == ("transport_fine", "likely")
    (entry,) = shown(clients_page(clients, diagnosis, NOON + timedelta(days=16)))["clients"]
    assert (entry["finding"], entry["certainty"]) == ("never_arrived", "possible")
    assert "its last contact was at 2026-03-07 12:00:00 UTC" in entry["evidence"]


def test_clients_lists_programs_latest_first() -> None:
    clients = Clients()
    clients.observe([tunnel(client="10.0.0.2"), tunnel(alpn=("h2",), refusal_taken=RefusalTaken.CLOSED, after=9)])

    latest, other = shown(clients_page(clients, Diagnosis(), NOON))["clients"]

    assert other["client"] == "10.0.0.2"
    assert (latest["client"], latest["connections"]) == ("10.1.2.3", 1)
    assert latest["last_outcome"] == "closed_by_client"
    assert latest["programs"] == [
        {
            "user_agent": "Java/17.0.13",
            "http_version": "1.1",
            "fields": ["User-Agent", "Host", "Accept", "Proxy-Connection"],
            "host_form": "host",
            "server_name_sent": True,
            "alpn": ["h2"],
            "tls_version": "1.3",
            "refusal_taken": "closed",
            "connections": 1,
            "first_seen": "2026-03-02T12:00:09Z",
            "last_seen": "2026-03-02T12:00:09Z",
        }
    ]
