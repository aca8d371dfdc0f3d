"""A finding: why a connection failed, how sure that is, and what to change."""

import enum

from msgspec import Struct


class Certainty(enum.StrEnum):
    """How sure a finding is. `CERTAIN` only where the evidence allows nothing else."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Finding(Struct, frozen=True):
    """One row of the table of findings (`diagnosis.codes`), applied to a record.

    `code` is its stable name. `evidence` says in words what was seen. `sentence` says what happened, `remedy` what to
    change and where.
    """

    code: str
    certainty: Certainty
    evidence: str
    sentence: str
    remedy: str
