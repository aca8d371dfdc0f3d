"""The last connections that failed, each with its cause, and what to change."""

from datetime import datetime

from msgspec import Struct

from licensegate.records.record import TunnelRecord


class RefusalRow(Struct, frozen=True, kw_only=True):
    """A connection that failed.

    `client` is its address; `client_name` and `client_key` are those of the client that it belongs to. `target` is what
    it asked for, as far as that is known. `outcome` is the label of how it ended, `finding` that of the cause, empty if
    nothing was found; `certainty` and `certainty_word` say how sure that is, `evidence` what was seen. `sentence` says
    what happened, `remedy` what to change, `cucm` what CUCM shows meanwhile, most probable first. `record` is the line
    of the access log, None where the row is one of many things in an answer.
    """

    id: str
    time: datetime
    client: str
    client_name: str
    client_key: str
    target: str
    outcome: str
    sentence: str
    remedy: str
    finding: str = ""
    certainty: str = ""
    certainty_word: str = ""
    evidence: str = ""
    cucm: tuple[str, ...] = ()
    program: str = ""
    repeated: int = 0
    record: TunnelRecord | None = None


class RefusalList(Struct, frozen=True, kw_only=True):
    """The last refusals and failed tunnels, the newest first."""

    schema: int
    language: str
    made_at: datetime
    refusals: list[RefusalRow]
