"""The targets of the allowlist: can each be reached, how long is its certificate valid, is a clock wrong?"""

from datetime import datetime

from msgspec import Struct

from .attention import LevelName


class TargetRow(Struct, frozen=True, kw_only=True):
    """One target that a rule allows by its exact name.

    `reached` is the result of the newest tunnel or probe, None if nothing is known; `state` says it in a word or two,
    and `reached_at` and `failed_at` are the newest success and failure. `outcome` is the label of that failure if it is
    newer than the success, else empty.

    The newest look at the target, by a TLS handshake of the gate's own, gives the rest: `verdict` is its label, empty
    without a look at `looked_at`; `verdict_text` says it in words, `verdict_detail` in those of the look. `issuer` is
    the issuer of the target's certificate, `certificate_ends` when the first certificate of the chain expires and
    `certificate_days` the days until then, negative once it has expired. `skew_seconds` is how far the target's Date
    was ahead of the gate's clock.

    `level` is the worst of both, `sentence` says why and `remedy` what to change; both are empty if nothing is wrong.
    """

    target: str
    level: LevelName
    level_word: str
    reached: bool | None
    state: str
    reached_at: datetime | None = None
    failed_at: datetime | None = None
    outcome: str = ""
    sentence: str = ""
    remedy: str = ""
    verdict: str = ""
    verdict_text: str = ""
    verdict_detail: str = ""
    looked_at: datetime | None = None
    issuer: str = ""
    certificate_ends: datetime | None = None
    certificate_days: float | None = None
    skew_seconds: float | None = None
    tls_version: str = ""


class TargetList(Struct, frozen=True, kw_only=True):
    """Every target, in the order of the rules. `made_at` is the time of this answer."""

    schema: int
    language: str
    made_at: datetime
    targets: list[TargetRow]
