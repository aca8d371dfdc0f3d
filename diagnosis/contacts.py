"""Findings about tunnels, by how far TLS got in them; `handshakes` has those whose handshake failed. Pure.

Who ended a tunnel first is a race, so no rule asks for it, but for a reset by the target in the middle of an answer.
Times, sizes and TCP's account tell silence from a cut.
"""

from collections.abc import Callable, Mapping
from typing import Final

from licensegate.records.contact import Contact
from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import TunnelRecord

from . import certificates
from .case import SILENCE_MS, Case, Conclusion, in_words, lost, lower, seconds, waited_ms
from .codes import Code
from .dials import blocked_by_name, lost_on_ipv6
from .evidence import NO_FAULT, alert_in_words, end_in_words, of_wanted_certificate
from .handshakes import of_cut_handshake, of_cut_hello, of_other_protocol, of_refused_hello, of_unanswered_hello
from .shapes import SHOWS_ALL, ends_in_alert, may_be_answered

_CERTAIN, _LIKELY, _POSSIBLE = Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE

_ENDED_BY_GATE: Final = {
    Outcome.CUT_BY_STOP: Code.GATE_STOPPED,
    Outcome.REVOKED: Code.ACCESS_ENDED,
    Outcome.ENDED_BY_OPERATOR: Code.ACCESS_ENDED,
    Outcome.INTERNAL_ERROR: Code.INTERNAL_ERROR,
}

_SLOW_MS: Final = 10_000.0
_SLOWER_MS: Final = 3_000.0
_MUCH_SLOWER: Final = 5
_SHORT_IDLE_MS: Final = 120_000.0
"""A limit of the gate may end a tunnel whose server is only slow if it was silent for less than this."""

_CLOSED: Final = (Outcome.CLOSED_BY_CLIENT, Outcome.CLOSED_BY_UPSTREAM)
"""How nearly all tunnels end."""

_LIMIT_OF: Final = {Outcome.IDLE_TIMEOUT: Code.IDLE_LIMIT, Outcome.LIFETIME_OVER: Code.LIFETIME_OVER}


def of_tunnel(case: Case) -> Conclusion | None:
    """The finding of a tunnel; None if its bytes were not judged."""
    record = case.record
    contact = record.contact
    if contact is None:
        return None
    if contact is not Contact.ANSWERED:
        code = None if record.outcome is None else _ENDED_BY_GATE.get(record.outcome)
        if code is not None:
            return Conclusion(code, _CERTAIN, f"the tunnel was open for {seconds(record.relay_ms or 0.0)}")
        if _ended_in_use(record):
            return _of_lifetime(record)
        blocked = blocked_by_name(record)
        if blocked is not None:
            return blocked
    return _OF_CONTACT[contact](case)


def _ended_in_use(record: TunnelRecord) -> bool:
    """Whether bytes still passed when the tunnel's lifetime was over."""
    return record.outcome is Outcome.LIFETIME_OVER and waited_ms(record) < SILENCE_MS


def _of_lifetime(record: TunnelRecord) -> Conclusion:
    evidence = f"the tunnel was open for {seconds(record.relay_ms or 0.0)}, and bytes still passed"
    return Conclusion(Code.LIFETIME_OVER, _LIKELY, evidence)


def answered(record: TunnelRecord, usual_ms: float | None) -> Conclusion:
    """The target answered. `usual_ms` is how long this takes for this target, if that is known."""
    closed = record.outcome in _CLOSED
    if not closed and _ended_in_use(record):
        return _of_lifetime(record)
    if not closed and record.outcome is Outcome.RESET_BY_UPSTREAM and _was_answering(record):
        return Conclusion(Code.CUT_IN_USE, _POSSIBLE, f"a reset ended the answer after {record.answer_bytes} bytes")
    took = reached_to_answer_ms(record)
    if record.dial_ms is not None and record.dial_ms >= SILENCE_MS:
        ipv6 = lost_on_ipv6(record)
        if ipv6 is not None:
            return ipv6
        took = max(took, record.dial_ms)
    if took >= _SLOWER_MS and (took >= _SLOW_MS or (usual_ms is not None and took >= _MUCH_SLOWER * usual_ms)):
        usual = f"; usually {seconds(usual_ms)}" if usual_ms is not None else ""
        return Conclusion(Code.SLOW_SERVER, _POSSIBLE, f"it took {seconds(took)}{usual}")
    if not closed and record.outcome is Outcome.IDLE_TIMEOUT:
        return _IDLE_KEPT
    return _FINE_FOR_SURE if record.tls_negotiated in SHOWS_ALL else _FINE


def _was_answering(record: TunnelRecord) -> bool:
    """Whether the target's bytes were the last."""
    return (record.client_last_ms or 0.0) < (record.upstream_last_ms or 0.0)


def reached_to_answer_ms(record: TunnelRecord) -> float:
    """From the connected target to its answer."""
    reached = record.parent_ms or record.dial_ms or 0.0
    return (record.answered_ms or 0.0) - (record.head_ms or 0.0) - (record.resolve_ms or 0.0) - reached


_FINE: Final = Conclusion(Code.TRANSPORT_FINE, _LIKELY)
_FINE_FOR_SURE: Final = Conclusion(Code.TRANSPORT_FINE, _CERTAIN)
_IDLE_KEPT: Final = Conclusion(Code.IDLE_KEPT, _LIKELY, "it was answered, and nothing moved after that")


def of_unused_handshake(case: Case) -> Conclusion:
    """The handshake is complete, and nothing was asked: a test, or a client that checks the certificate last."""
    record = case.record
    wants = of_wanted_certificate(case)
    if wants is not None:  # a server may ask for one that it does not need
        return Conclusion(wants.code, lower(wants.certainty), wants.evidence)
    if record.upstream_alert is not None and record.upstream_alert not in NO_FAULT:
        return Conclusion(Code.SERVER_REFUSED_AFTER_HANDSHAKE, _LIKELY, alert_in_words(record.upstream_alert))
    judged = certificates.of_doubt(case)
    if judged is not None:
        return judged
    return Conclusion(Code.HANDSHAKE_ONLY, _POSSIBLE, f"the tunnel was open for {seconds(record.relay_ms or 0.0)}")


def of_unanswered_request(case: Case) -> Conclusion:
    """The client asked for something after the handshake, and got no answer, or one that looks like a ticket."""
    record = case.record
    waited = _unanswered_ms(record)
    asked = f"{record.request_bytes} bytes of the request had passed"
    wants = of_wanted_certificate(case)
    if wants is not None:
        return wants
    if lost(record, record.upstream_tcp):
        evidence = f"{asked}; towards the target {in_words(record.upstream_tcp)}"
        return Conclusion(Code.UPLOAD_STALLED, _LIKELY, evidence)
    if lost(record, record.client_tcp):
        return Conclusion(Code.CLIENT_DEAF, _LIKELY, f"towards the client {in_words(record.client_tcp)}")
    in_doubt = may_be_answered(record, case.report.ticket_bytes if case.report is not None else ())
    certainty = _POSSIBLE if in_doubt else _LIKELY
    then = "and then, but for an answer or session ticket, nothing" if in_doubt else "and then nothing"
    limit = _LIMIT_OF.get(record.outcome) if record.outcome is not None else None
    if limit is not None and waited < _SHORT_IDLE_MS:
        return Conclusion(limit, certainty, f"{asked}, {then} for {seconds(waited)}")
    if waited >= SILENCE_MS:
        return Conclusion(Code.NO_ANSWER_TO_REQUEST, certainty, f"{asked}, {then} came for {seconds(waited)}")
    ended_in_order = ends_in_alert(record.upstream_records)
    if in_doubt:
        if ended_in_order and record.upstream_alert is None:
            evidence = f"{asked}; one record came after that, its answer or a session ticket"
            return Conclusion(Code.TRANSPORT_FINE, _POSSIBLE, evidence)
        return Conclusion(Code.CUT_IN_USE, _POSSIBLE, f"{asked}; {end_in_words(record)} {seconds(waited)} later")
    if record.upstream_alert is not None or (ended_in_order and not _client_gave_up(record)):
        alert = record.upstream_alert
        said = "the target ended TLS in order" if alert is None else alert_in_words(alert)
        return Conclusion(Code.SERVER_REFUSED_AFTER_HANDSHAKE, _LIKELY, said)
    return Conclusion(Code.CUT_IN_USE, _LIKELY, f"{asked}; {end_in_words(record)} {seconds(waited)} later")


def _client_gave_up(record: TunnelRecord) -> bool:
    """Whether the target ended TLS only after the client had: many answer a close_notify, or an end, with their own."""
    if not ends_in_alert(record.upstream_records):
        return False
    silent = (record.upstream_last_ms or 0.0) - (record.client_last_ms or 0.0)
    if not ends_in_alert(record.client_records):
        return record.ended_first is Party.CLIENT and silent >= SILENCE_MS
    return silent >= 0


def _unanswered_ms(record: TunnelRecord) -> float:
    """How long a request waited for its answer: the alerts by which both sides gave up are no part of it."""
    if _client_gave_up(record):
        return record.relay_ms or 0.0
    if record.upstream_last_ms is not None and ends_in_alert(record.client_records):
        left = record.client_last_ms or record.total_ms or 0.0  # the gate waits for the target's end after that
        return max(left - record.upstream_last_ms, 0.0)
    return waited_ms(record)


_OF_CONTACT: Final[Mapping[Contact, Callable[[Case], Conclusion]]] = {
    Contact.ANSWERED: lambda case: answered(case.record, None),
    Contact.REQUEST_UNANSWERED: of_unanswered_request,
    Contact.HANDSHAKE_UNUSED: of_unused_handshake,
    Contact.CERTIFICATE_REJECTED: certificates.of_rejection,
    Contact.HANDSHAKE_CUT: of_cut_handshake,
    Contact.HELLO_REFUSED: of_refused_hello,
    Contact.HELLO_UNANSWERED: of_unanswered_hello,
    Contact.HELLO_CUT: of_cut_hello,
    Contact.NOT_TLS: of_other_protocol,
}
