"""What a TLS handshake of the gate's own with a target showed. The probe makes it; findings and pages read it."""

from datetime import datetime

from msgspec import Struct

from licensegate.records.certificate import CertificateOutline
from licensegate.records.target_verdict import TargetVerdict


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

    @property
    def chain_ends(self) -> datetime | None:
        """When the first certificate of the chain expires; None without a chain."""
        return min((one.not_after for one in self.chain), default=None)
