"""Why a connection failed, in a language: the words of its finding, else of its outcome."""

from msgspec import Struct, structs

from licensegate.diagnosis.wording import code_of, finding_of
from licensegate.language.language import Language
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from .words import target_word

_OUTCOMES = {outcome.label: outcome for outcome in Outcome}


class CauseWords(Struct, frozen=True):
    """What happened, what to change, and what CUCM shows meanwhile, most probable first."""

    sentence: str = ""
    remedy: str = ""
    cucm: tuple[str, ...] = ()


def cause_of(record: TunnelRecord, language: Language, client: str = "") -> CauseWords:
    """Why this connection failed. `client` takes the place of its address."""
    named = structs.replace(record, client=client) if client else record
    finding, code = finding_of(named, language), code_of(record.finding)
    if finding is None:
        return CauseWords(named.sentence(language), named.remedy(language))
    cucm = () if code is None else tuple(language.gettext(shown) for shown in code.cucm)
    return CauseWords(finding.sentence, finding.remedy, cucm)


def cause_named(finding: str, outcome: str, language: Language, client: str, target: str) -> CauseWords:
    """Why a connection failed that only its labels are left of: those of its finding and its outcome."""
    code, ending = code_of(finding), _OUTCOMES.get(outcome)
    sentence, remedy = ("", "") if ending is None else (ending.sentence, ending.remedy)
    if code is not None and code.sentence:
        sentence, remedy = code.sentence, code.remedy
    known = {
        "client": client,
        "target": target_word(target, language),
        "listener": language.gettext("the gate"),
        "detail": language.gettext("no detail"),
    }
    return CauseWords(language.gettext(sentence).format(**known), language.gettext(remedy).format(**known))
