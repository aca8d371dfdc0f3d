"""Records like those of a gate. Imports the gate's code."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from licensegate.allowlist.policy import Policy
from licensegate.allowlist.preset import load_presets
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import DialAttempt, HostForm, RefusalTaken, ServerNameCheck, TunnelRecord, open_record

POLICY = Policy(["cisco-licensing"], [], load_presets())
TARGETS = tuple(f"{rule.host}:{rule.port}" for rule in POLICY.rules)
TOOLS, API, CLOUDSSO = map(str, POLICY.rules)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def record(outcome: Outcome | None = None, *, after: float = 0, **fields: Any) -> TunnelRecord:
    """The record of a connection accepted `after` seconds after NOON; without an outcome it is still open."""
    made = open_record("10.1.2.3", 40000, "0.0.0.0:3128")
    made.time = NOON + timedelta(seconds=after)
    made.total_ms = 0.0
    if outcome is None:
        made.event = "start"
    else:
        made.end(outcome)
    return msgspec.structs.replace(made, **fields)


def tunnel(outcome: Outcome | None = Outcome.CLOSED_BY_CLIENT, *, after: float = 0, **fields: Any) -> TunnelRecord:
    """The record of a tunnel to tools.cisco.com."""
    usual: dict[str, Any] = {
        "user_agent": "Java/17.0.13",
        "http_version": "1.1",
        "fields": ("User-Agent", "Host", "Accept", "Proxy-Connection"),
        "host_form": HostForm.HOST,
        "method": "CONNECT",
        "target": TARGETS[0],
        "rule": TOOLS,
        "addresses": ["192.0.2.1"],
        "attempts": [DialAttempt("192.0.2.1", 24.0)],
        "server_name_check": ServerNameCheck.MATCH,
        "server_name": "tools.cisco.com",
        "tls_version": "1.3",
        "head_ms": 0.5,
        "resolve_ms": 12.0,
        "dial_ms": 24.0,
        "relay_ms": 2100.0,
        "total_ms": 2140.0,
        "client_read": 6122,
        "client_written": 5539,
        "upstream_read": 5500,
        "upstream_written": 6000,
        "ended_first": Party.CLIENT,
    }
    return record(outcome, after=after, **(usual | fields))


def failure(outcome: Outcome, detail: str = "", *, after: float = 0, **fields: Any) -> TunnelRecord:
    """The record of a connection whose target, tools.cisco.com, could not be reached."""
    usual = {"method": "CONNECT", "target": TARGETS[0], "rule": TOOLS, "detail": detail, "total_ms": 15_000.0}
    return record(outcome, after=after, **(usual | fields))


_CLIENT_TEXT = st.text(max_size=30)
_MILLISECONDS = st.none() | st.floats(0, 1e9)
_BYTES = st.integers(0, 1 << 40)
_ATTEMPTS = st.builds(
    DialAttempt,
    address=st.sampled_from(["192.0.2.1", "2001:db8::1"]),
    ms=st.floats(0, 1e5),
    errno=st.sampled_from(["", "ECANCELED", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EPERM"]) | _CLIENT_TEXT,
)

any_record = st.builds(
    record,
    st.none() | st.sampled_from(Outcome),
    after=st.floats(-1e6, 1e6),
    client=_CLIENT_TEXT,
    user_agent=_CLIENT_TEXT,
    method=st.sampled_from(["CONNECT", "GET", ""]),
    fields=st.lists(_CLIENT_TEXT, max_size=5).map(tuple),
    host_form=st.none() | st.sampled_from(HostForm),
    requested=_CLIENT_TEXT,
    target=_CLIENT_TEXT,
    detail=_CLIENT_TEXT,
    rule=st.sampled_from(["", TOOLS, API, CLOUDSSO]) | _CLIENT_TEXT,
    reported=st.just("") | st.sampled_from([outcome.label for outcome in Outcome]),
    attempts=st.lists(_ATTEMPTS, max_size=4),
    server_name=_CLIENT_TEXT,
    server_name_check=st.none() | st.sampled_from(ServerNameCheck),
    alpn=st.lists(_CLIENT_TEXT, max_size=3).map(tuple),
    tls_version=st.sampled_from(["", "1.2", "1.3"]),
    refusal_taken=st.none() | st.sampled_from(RefusalTaken),
    head_ms=_MILLISECONDS,
    resolve_ms=_MILLISECONDS,
    dial_ms=_MILLISECONDS,
    relay_ms=_MILLISECONDS,
    total_ms=_MILLISECONDS,
    client_read=_BYTES,
    client_written=_BYTES,
    upstream_read=_BYTES,
    upstream_written=_BYTES,
)
"""Any record, with any client input."""
