"""The last connections that failed, each with its cause, and what to change."""

from datetime import datetime

from msgspec import Struct

from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.language.language import Language
from licensegate.language.phrases import reworded
from licensegate.records.record import TunnelRecord

from .answer import Answer
from .causes import cause_of
from .identities import ClientIdentity
from .words import certainty_word


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


class RefusalList(Answer, frozen=True, kw_only=True):
    """The last refusals and failed tunnels, the newest first."""

    refusals: list[RefusalRow]


def refusal_row(
    record: TunnelRecord, identity: ClientIdentity, diagnosis: Diagnosis, language: Language, *, whole: bool
) -> RefusalRow:
    """The row of a connection that failed, judged by what is known now; with its record if `whole`."""
    diagnosis.review(record)
    cause = cause_of(record, language)
    return RefusalRow(
        id=record.id,
        time=record.time,
        client=record.client,
        client_name=identity.name,
        client_key=identity.key,
        target=record.target or record.requested,
        outcome="" if record.outcome is None else record.outcome.label,
        sentence=cause.sentence,
        remedy=cause.remedy,
        finding=record.finding,
        certainty=record.certainty or "",
        certainty_word=certainty_word(record.certainty, language),
        evidence=reworded(record.evidence, language),
        cucm=cause.cucm,
        program=record.user_agent,
        repeated=record.repeated,
        record=record if whole else None,
    )
