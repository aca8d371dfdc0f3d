"""Answers of a gate with troubles of every kind, as its API gives them. `NOW` is when they were made."""

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from licensegate.app.overview.changes import ChangeList
from licensegate.app.overview.clients import ClientList
from licensegate.app.overview.overview import Overview
from licensegate.app.overview.refusals import RefusalList
from licensegate.app.overview.rules import RuleList, RuleRow
from licensegate.app.overview.tunnels import TunnelList
from licensegate.records.change import ChangeKind, GateProcess, change_of
from licensegate.records.requester import Requester

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEAD: dict[str, Any] = {"schema": 1, "language": "en", "made_at": "2026-03-02T12:00:00Z"}

DEADLINE: dict[str, Any] = {
    "name": "authorization",
    "word": "authorization ends",
    "meaning": "",
    "at": "2026-03-17T09:00:00Z",
    "printed": False,
    "days_left": 14,
    "level": "warning",
}
CLIENTS: list[dict[str, Any]] = [
    {
        "key": "named:CUCM ship",
        "kind": "named",
        "kind_word": "named in the settings",
        "name": "CUCM ship",
        "level": "warning",
        "level_word": "warning",
        "sentence": "CUCM ship has made no contact for 75 days.",
        "remedy": "Let it renew its authorization: System > Licensing > License Management > Renew Authorization Now.",
        "product": "CUCM",
        "addresses": ["10.20.30.40"],
        "program": "Apache-HttpClient/4.5.13 (Java/1.8.0_402)",
        "last_contact": "2025-12-17T09:00:00Z",
        "last_failure": "2026-03-02T11:55:00Z",
        "deadlines": [DEADLINE],
        "enforced": "2026-06-15T09:00:00Z",
    },
    {
        "key": "address:10.20.30.41",
        "kind": "address",
        "kind_word": "by its address",
        "name": "10.20.30.41",
        "level": "ok",
        "level_word": "all right",
        "sentence": "It reached Cisco 5 minutes ago.",
        "addresses": ["10.20.30.41"],
        "last_contact": "2026-03-02T11:55:00Z",
    },
]
REFUSALS: list[dict[str, Any]] = [
    {
        "id": "1",
        "time": "2026-03-02T11:55:00Z",
        "client": "10.20.30.40",
        "client_name": "CUCM ship",
        "client_key": "named:CUCM ship",
        "target": "smartreceiver.cisco.com:443",
        "outcome": "target_in_preset",
        "sentence": "smartreceiver.cisco.com:443 is not in the allowlist, but the preset cucm would allow it.",
        "remedy": "Add that preset to allowlist.presets.",
        "finding": "target_in_preset",
        "certainty": "certain",
        "certainty_word": "certain",
    }
]
TUNNELS: list[dict[str, Any]] = [
    {
        "id": "2",
        "client": "2001:db8::7",
        "client_port": 40112,
        "client_name": "",
        "client_key": "",
        "target": "tools.cisco.com:443",
        "state": "relaying",
        "state_word": "tunnel",
        "since": "2026-03-02T11:56:48Z",
        "seconds": 192,
        "bytes_from_client": 6122,
        "bytes_to_client": 1234567,
        "program": "Java/17.0.13",
    }
]
GATE: dict[str, Any] = {
    "version": "0.1.0",
    "state": "ready",
    "state_word": "accepts clients",
    "started": "2026-02-28T12:00:00Z",
    "listeners": ["0.0.0.0:3128", "[::]:3128"],
    "connections": 12,
    "connections_limit": 4096,
    "waiting": 2,
    "tunnels": 1,
    "mode": "enforce",
    "rules": 3,
    "certificate_ends": "2036-02-28T12:00:00Z",
    "settings": "/etc/licensegate/licensegate.toml",
    "log_lines_dropped": {"access": 0, "service": 0},
    "ledger": {"state": "working", "state_word": "kept", "place": "/var/lib/licensegate/ledger.sqlite3"},
}
TARGETS: list[dict[str, Any]] = [
    {
        "target": "tools.cisco.com:443",
        "level": "ok",
        "level_word": "all right",
        "reached": True,
        "state": "reached",
        "reached_at": "2026-03-02T11:58:00Z",
        "verdict": "public",
        "verdict_text": "signed by a public authority",
        "certificate_ends": "2026-07-23T00:00:00Z",
        "certificate_days": 142.5,
        "skew_seconds": 0.4,
    },
    {
        "target": "api.cisco.com:443",
        "level": "critical",
        "level_word": "critical",
        "reached": False,
        "state": "not reached",
        "failed_at": "2026-03-02T11:59:00Z",
        "outcome": "connection_timeout",
        "sentence": "api.cisco.com:443 did not answer in time (192.0.2.1:443).",
        "remedy": "Look for a firewall that drops packets: outgoing TCP from the gate to this port must be allowed.",
    },
]
ATTENTION: list[dict[str, Any]] = [
    {
        "level": "critical",
        "level_word": "critical",
        "about": "target",
        "code": "target_not_reached",
        "name": "api.cisco.com:443",
        "sentence": "api.cisco.com:443 did not answer in time (192.0.2.1:443).",
        "remedy": "Look for a firewall that drops packets: outgoing TCP from the gate to this port must be allowed.",
    },
    {
        "level": "warning",
        "level_word": "warning",
        "about": "client",
        "code": "silent",
        "name": "CUCM ship",
        "key": "named:CUCM ship",
        "sentence": "CUCM ship has made no contact for 75 days.",
        "remedy": "Let it renew its authorization.",
        "until": "2026-03-17T09:00:00Z",
    },
]

_Answer = TypeVar("_Answer", bound=Struct)


def answer_of(kind: type[_Answer], **fields: Any) -> _Answer:
    """An answer of this type, as a command decodes it."""
    return msgspec.json.decode(msgspec.json.encode(HEAD | fields), type=kind)


def overview(**fields: Any) -> Overview:
    """The gate at a glance."""
    usual: dict[str, Any] = {
        "level": "critical",
        "level_word": "critical",
        "headline": "2 things need attention.",
        "attention": ATTENTION,
        "attention_total": 2,
        "gate": GATE,
        "targets": TARGETS,
        "clients": CLIENTS,
        "clients_total": 5,
        "clients_by_level": {"critical": 0, "warning": 1, "unknown": 0, "ok": 4},
        "refusals": REFUSALS,
        "refusals_total": 1,
        "tunnels": TUNNELS,
    }
    return answer_of(Overview, **(usual | fields))


def client_list(**fields: Any) -> ClientList:
    """The clients."""
    usual: dict[str, Any] = {"query": "", "page": 1, "pages": 1, "total": 2, "by_level": {}, "complete": True}
    return answer_of(ClientList, **(usual | {"clients": CLIENTS} | fields))


RULES = [
    RuleRow(rule="tools.cisco.com:443", preset="cisco-licensing", hits=12),
    RuleRow(
        rule="ssm.example.net:8443",
        preset="",
        hits=0,
        report=True,
        users=("svc",),
        networks=("10.1.0.0/16",),
        certificates=("ssm",),
    ),
]


def refusal_list(**fields: Any) -> RefusalList:
    """The last connections that failed."""
    return answer_of(RefusalList, **({"refusals": REFUSALS} | fields))


def tunnel_list(**fields: Any) -> TunnelList:
    """The open connections."""
    return answer_of(TunnelList, **({"page": 1, "pages": 1, "open": 12, "tunnels": TUNNELS} | fields))


def change_list() -> ChangeList:
    """The last changes."""
    asker = Requester(0, "root", 815)
    reason = "gate.toml: limits.tunnels: 0 is not a number"
    refused = change_of(ChangeKind.RELOAD, (asker,), reason, GateProcess(4711, "1.2.3"), ok=False)
    return ChangeList(
        language="en", made_at=NOW, page=1, pages=1, total=1, changes=[structs.replace(refused, time=NOW)]
    )


def rule_list(**fields: Any) -> RuleList:
    """The rules of the allowlist."""
    return answer_of(RuleList, **({"mode": "enforce", "policy": "080c5adf07d2", "rules": RULES} | fields))
