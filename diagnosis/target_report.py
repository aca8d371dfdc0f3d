"""What a TLS handshake of the gate's own with a target showed. The probe makes it; findings and pages read it."""

import enum
from datetime import datetime

from msgspec import Struct

from licensegate.records.certificate import CertificateOutline


class TargetVerdict(enum.StrEnum):
    """What is wrong with a target, or with the way to it.

    `PUBLIC`: its chain leads to a public root and names it; a client that rejects it lacks the root or has a wrong
    clock. `PRIVATE`: its chain leads to the root that its rule names. `FOREIGN_ISSUER`: no known root signed it, as
    behind an intercepting proxy. `NOT_JUDGED`: the target is an operator's own, and its rule names no root.
    """

    PUBLIC = "public"
    PRIVATE = "private"
    NOT_JUDGED = "not_judged"
    WRONG_NAME = "wrong_name"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    GATE_CLOCK = "gate_clock"
    SELF_SIGNED = "self_signed"
    FOREIGN_ISSUER = "foreign_issuer"
    INCOMPLETE_CHAIN = "incomplete_chain"
    UNTRUSTED = "untrusted"
    SERVER_TOO_OLD = "server_too_old"
    NO_COMMON_CIPHER = "no_common_cipher"
    CLIENT_CERTIFICATE = "client_certificate"
    NOT_TLS = "not_tls"
    HELLO_REFUSED = "hello_refused"
    HELLO_CUT = "hello_cut"
    SILENT = "silent"
    NOT_REACHED = "not_reached"


class TargetReport(Struct, frozen=True, omit_defaults=True):
    """One look at a target.

    `detail` is the reason in words. `chain` starts with the target's own certificate. `skew_seconds` is how far the
    target's Date is ahead of the gate's clock. `system_trusts`: this host's own store verifies the chain. A
    `FOREIGN_ISSUER` with `system_trusts` means that a corporate root is installed on this host. `looks_intercepted`:
    the leaf lacks what public authorities put into theirs. `flight_bytes` is the size of the server's handshake
    records, `ticket_bytes` are the sizes of its session tickets; both tell later what a tunnel's records are.
    `outcome` is the gate's own where the target was not reached.
    """

    target: str
    time: datetime
    verdict: TargetVerdict
    detail: str = ""
    chain: tuple[CertificateOutline, ...] = ()
    system_trusts: bool | None = None
    looks_intercepted: bool = False
    tls_version: str = ""
    flight_bytes: int = 0
    ticket_bytes: tuple[int, ...] = ()
    skew_seconds: float | None = None
    http_status: int = 0
    outcome: str = ""
    total_ms: float = 0
