"""The record of one client connection. Logs, metrics and diagnosis only read it.

The fields are the keys of the JSON access log (`docs/records.md`); a field that was never set is left out of the line.
Fields named `_ms` are in milliseconds, counts in bytes.
"""

import enum
import itertools
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from licensegate.language.language import ENGLISH, N_, Language
from licensegate.language.phrases import reworded

from .certificate import CertificateOutline
from .contact import Contact
from .finding import Certainty
from .outcome import Outcome, Party, Stage
from .tcp_account import TcpAccount

SCHEMA = 2
"""Raised by one when a key of the line or of an admin page changes its name or meaning; a new key does not raise it."""

DIRECT = "direct"
"""Stands for no parent proxy: the target itself was dialled."""

_NO_DETAIL = N_("no detail")

_PREFIX = secrets.token_hex(5)
_numbers = itertools.count(1)


class HostForm(enum.StrEnum):
    """The form of a CONNECT's Host field, compared with its target; it differs between HTTP libraries."""

    ABSENT = "absent"
    HOST = "host"
    HOST_PORT = "host:port"
    OTHER = "other"


class LoginResult(enum.StrEnum):
    """The result of a client's login, or of its absence."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  a name
    UNKNOWN_USER = "unknown_user"
    UNUSABLE = "unusable"
    NOT_OFFERED = "not_offered"
    STALE = "stale"
    REPLAYED = "replayed"
    LIMITED = "limited"
    NOT_CHECKED = "not_checked"
    IMPOSSIBLE = "impossible"


class ServerNameCheck(enum.StrEnum):
    """The result of checking a tunnel's first bytes."""

    MATCH = "match"
    MISMATCH = "mismatch"
    ABSENT = "absent"
    NOT_TLS = "not_tls"
    MALFORMED = "malformed"
    TIMEOUT = "timeout"


class RefusalTaken(enum.StrEnum):
    """What a refused client did with its connection.

    It closed or reset it, kept it open until the linger deadline, or went on sending until the gate had discarded
    enough.
    """

    CLOSED = "closed"
    RESET = "reset"
    STAYED = "stayed"
    SENT_ON = "sent_on"


class DialAttempt(Struct, frozen=True, omit_defaults=True, gc=False):
    """One dialled address: how long it took in milliseconds, and the name of the errno if it failed."""

    address: str
    ms: float
    errno: str = ""


class TunnelRecord(Struct, omit_defaults=True, gc=False):
    """Everything that happened on one client connection, filled in along the way.

    It refers to nothing that refers to it, so the garbage collector need not look at it (`gc=False`).
    """

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
    repeated: int = 0
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
    addresses: Sequence[str] = ()
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
    client_records: Sequence[tuple[int, int]] = ()
    upstream_records: Sequence[tuple[int, int]] = ()
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
    contact: Contact | None = None
    tls_negotiated: str = ""
    answered_ms: float | None = None
    client_last_ms: float | None = None
    upstream_last_ms: float | None = None
    request_bytes: int = 0
    answer_bytes: int = 0
    server_certificate: CertificateOutline | None = None
    client_tcp: TcpAccount | None = None
    upstream_tcp: TcpAccount | None = None
    hello_bytes: int = 0
    hello_size: int = 0
    login_offered: tuple[str, ...] = ()
    parent_location: str = ""
    target_said: str = ""
    finding: str = ""
    certainty: Certainty | None = None
    evidence: str = ""

    def end(self, outcome: Outcome, detail: str = "", ended_by: Party | None = None) -> None:
        """Set the outcome. Only the first call counts: later ones report consequences.

        `ended_by` is the party where the outcome can have more than one.
        """
        if self.outcome is None:
            self.outcome = outcome
            self.stage = outcome.stage
            self.ended_by = ended_by or outcome.ended_by
            self.detail = detail

    @property
    def is_connected(self) -> bool:
        """Whether the target was connected: directly or, as a parent proxy says, through it."""
        through_parent = self.parent not in ("", DIRECT)
        return self.dial_ms is not None and (not through_parent or 200 <= self.parent_status < 300)

    def sentence(self, language: Language = ENGLISH) -> str:
        """Return the outcome's sentence (what happened to whom), filled in from this record."""
        return self.fill(self.outcome.sentence, language) if self.outcome else ""

    def remedy(self, language: Language = ENGLISH) -> str:
        """Return the outcome's remedy (what to change), filled in from this record."""
        return self.fill(self.outcome.remedy, language) if self.outcome else ""

    def fill(self, template: str, language: Language = ENGLISH) -> str:
        """Return a sentence or remedy of a table in a language, filled in from this record."""
        detail = reworded(self.detail, language) or language.gettext(_NO_DETAIL)
        words = language.gettext(template)
        return words.format(client=self.client, target=self.target, listener=self.listener, detail=detail)


def open_record(client: str, client_port: int, listener: str) -> TunnelRecord:
    """Create the record of a connection accepted now, with a unique id."""
    number = next(_numbers)
    return TunnelRecord(SCHEMA, "end", f"{_PREFIX}{number:08x}", datetime.now(UTC), client, client_port, listener)


def milliseconds(seconds: float) -> float:
    """Convert seconds to the record's milliseconds, rounded to the microsecond."""
    return int(seconds * 1e6 + 0.5) / 1e3  # takes a third of the time of round()
