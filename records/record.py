"""What happened on one client connection, written once; logs, metrics and diagnosis only read it.

The fields are the keys of the JSON access log (`docs/records.md`); a field that was never filled in is left out of the
line. Times named `_ms` are milliseconds, counts are bytes.
"""

import enum
import itertools
import secrets
from datetime import UTC, datetime

from msgspec import Struct

from .outcome import LoginResult, Outcome, Party, RefusalTaken, ServerNameCheck, Stage

SCHEMA = 2
"""Raised by one when a key of the line or of an admin page changes its name or meaning; a new key does not raise it."""

DIRECT = "direct"
"""In place of a parent proxy: the target itself was dialled, around all of them."""

_PREFIX = secrets.token_hex(5)
_numbers = itertools.count(1)


class HostForm(enum.StrEnum):
    """What a CONNECT's Host field is, beside its target: each HTTP library has its own custom."""

    ABSENT = "absent"
    HOST = "host"
    HOST_PORT = "host:port"
    OTHER = "other"


class DialAttempt(Struct, frozen=True, omit_defaults=True):
    """One address that was tried: how long it took, and the errno's name if it failed."""

    address: str
    ms: float
    errno: str = ""


class TunnelRecord(Struct, omit_defaults=True):
    """Everything that happened to one client connection, filled in along the way."""

    schema: int
    event: str
    id: str
    time: datetime
    client: str
    client_port: int
    listener: str
    outcome: Outcome | None = None
    stage: Stage | None = None
    ended_by: Party | None = None
    status: int = 0
    detail: str = ""
    protocol: str = ""
    balancer: str = ""
    gate_tls: str = ""
    client_certificate: str = ""
    user_agent: str = ""
    http_version: str = ""
    fields: tuple[str, ...] = ()
    host_form: HostForm | None = None
    method: str = ""
    requested: str = ""
    target: str = ""
    login: str = ""
    user: str = ""
    login_result: LoginResult | None = None
    login_unanswered: int = 0
    allowed: bool | None = None
    reported: str = ""
    rule: str = ""
    preset: str = ""
    policy: str = ""
    addresses: list[str] = []
    attempts: list[DialAttempt] = []
    upstream: str = ""
    local: str = ""
    via: str = ""
    parent: str = ""
    parent_login: str = ""
    parent_status: int = 0
    parent_reason: str = ""
    parent_server: str = ""
    server_name_check: ServerNameCheck | None = None
    server_name: str = ""
    alpn: tuple[str, ...] = ()
    tls_version: str = ""
    ech: bool = False
    client_records: list[tuple[int, int]] = []
    upstream_records: list[tuple[int, int]] = []
    client_alert: int | None = None
    upstream_alert: int | None = None
    head_ms: float | None = None
    resolve_ms: float | None = None
    dial_ms: float | None = None
    parent_ms: float | None = None
    relay_ms: float | None = None
    total_ms: float | None = None
    client_read: int = 0
    client_written: int = 0
    upstream_read: int = 0
    upstream_written: int = 0
    ended_first: Party | None = None
    refusal_taken: RefusalTaken | None = None

    def end(self, outcome: Outcome, detail: str = "") -> None:
        """Say how it ended. Only the first call counts: what comes after is a consequence."""
        if self.outcome is None:
            self.outcome = outcome
            self.stage = outcome.stage
            self.ended_by = outcome.ended_by
            self.detail = detail

    @property
    def is_connected(self) -> bool:
        """Whether there was a connection to the target, directly or by a parent proxy's word."""
        through_parent = self.parent not in ("", DIRECT)
        return self.dial_ms is not None and (not through_parent or 200 <= self.parent_status < 300)

    def sentence(self) -> str:
        """What happened to whom, in one sentence of the outcome table, filled with this record's names."""
        return self._fill(self.outcome.sentence) if self.outcome else ""

    def remedy(self) -> str:
        """What to change, from the outcome table."""
        return self._fill(self.outcome.remedy) if self.outcome else ""

    def _fill(self, template: str) -> str:
        return template.format(
            client=self.client, target=self.target, listener=self.listener, detail=self.detail or "no detail"
        )


def open_record(client: str, client_port: int, listener: str) -> TunnelRecord:
    """A record for a connection accepted now, with an id of its own."""
    number = next(_numbers)
    return TunnelRecord(SCHEMA, "end", f"{_PREFIX}{number:08x}", datetime.now(UTC), client, client_port, listener)


def milliseconds(seconds: float) -> float:
    """A duration as the record writes it."""
    return int(seconds * 1e6 + 0.5) / 1e3  # a third of what round() takes
