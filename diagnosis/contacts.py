"""Findings about tunnels, by how far TLS got in them. Pure.

Who ended a tunnel first is a race, so no rule asks for it, but for a reset by the target in the middle of an answer.
Times, sizes and TCP's account tell silence from a cut.
"""

from collections.abc import Callable, Mapping
from typing import Final

from licensegate.records.alert import ABOUT_A_CERTIFICATE, Alert, alert_name
from licensegate.records.contact import Contact
from licensegate.records.finding import Certainty
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict

from . import certificates
from .case import SILENCE_MS, Case, Conclusion, in_words, lost, lower, seconds, through_parent, waited_ms
from .codes import Code
from .dials import blocked_by_name, lost_on_ipv6
from .shapes import (
    SHOWS_ALL,
    ends_in_alert,
    is_clients_turn,
    left_at_certificate,
    may_be_answered,
    shows_no_certificate,
)

_CERTAIN, _LIKELY, _POSSIBLE = Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE

_OLD: Final = frozenset({"ssl3", "1.0", "1.1"})
"""Versions that servers have stopped to accept (RFC 8996)."""

_NEWEST: Final = "1.3"

_NO_COMMON_GROUND: Final = frozenset({Alert.HANDSHAKE_FAILURE, Alert.INSUFFICIENT_SECURITY})
_REFUSES_OLD: Final = _NO_COMMON_GROUND | {Alert.INTERNAL_ERROR}
"""How servers refuse TLS 1.0 and 1.1 beside protocol_version: OpenSSL 3 has no signature for them at its own level."""

_WANTS_CERTIFICATE: Final = frozenset({Alert.CERTIFICATE_REQUIRED, Alert.NO_CERTIFICATE, *ABOUT_A_CERTIFICATE})
_NO_FAULT: Final = frozenset({Alert.CLOSE_NOTIFY, Alert.USER_CANCELED})

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


def of_unanswered_hello(case: Case) -> Conclusion:
    """Not a byte came after the ClientHello, and the client gave up; or it left before one could come."""
    record = case.record
    waited = waited_ms(record)
    if lost(record, record.upstream_tcp) or waited >= SILENCE_MS:
        return _of_silence(case, f"no byte came for {seconds(waited)}")
    return Conclusion(Code.CLIENT_LEFT, _POSSIBLE, f"it left {seconds(waited)} after its ClientHello")


def of_cut_hello(case: Case) -> Conclusion:
    """The target closed after the ClientHello without a byte: at once, or because the hello did not arrive."""
    record = case.record
    waited = waited_ms(record)
    if lost(record, record.upstream_tcp) or waited >= SILENCE_MS:
        return _of_silence(case, f"no byte came for {seconds(waited)}, and then {_ended(record)}")
    evidence = f"{_ended(record)} {seconds(waited)} after the ClientHello"
    if through_parent(record):
        return Conclusion(Code.PARENT_TUNNEL_DEAD, _LIKELY, f"{evidence}, after {record.parent} had said 200")
    return Conclusion(Code.SERVER_CLOSED_ON_HELLO, _CERTAIN, evidence + _also(case, TargetVerdict.HELLO_CUT))


def _of_silence(case: Case, evidence: str) -> Conclusion:
    record = case.record
    if through_parent(record):
        return Conclusion(Code.PARENT_TUNNEL_DEAD, _LIKELY, f"{evidence}, after {record.parent} had said 200")
    if lost(record, record.upstream_tcp):
        return Conclusion(Code.SILENT_AFTER_HELLO, _LIKELY, f"{evidence}; {in_words(record.upstream_tcp)}")
    return Conclusion(Code.SILENT_AFTER_HELLO, _LIKELY, evidence + _also(case, TargetVerdict.SILENT))


def of_refused_hello(case: Case) -> Conclusion:
    """The target's first record is an alert."""
    record = case.record
    alert = record.upstream_alert
    said = _said(alert)
    offered = f"; the ClientHello offered TLS {record.tls_version}" if record.tls_version else ""
    is_old = record.tls_version in _OLD
    if alert == Alert.PROTOCOL_VERSION:
        if is_old:
            return Conclusion(Code.CLIENT_TOO_OLD, _CERTAIN, said + offered)
        return _of_refused_version(case, said + offered)
    if is_old and alert in _REFUSES_OLD:
        return Conclusion(Code.CLIENT_TOO_OLD, _LIKELY, said + offered)
    if alert in _NO_COMMON_GROUND:
        also = _also(case, TargetVerdict.HELLO_REFUSED)
        if also:
            return Conclusion(Code.SERVER_REFUSED_HELLO, _LIKELY, said + also)
        return Conclusion(Code.NO_COMMON_CIPHER, _LIKELY, said + offered)
    return Conclusion(Code.SERVER_REFUSED_HELLO, _CERTAIN if alert is not None else _LIKELY, said)


def _of_refused_version(case: Case, evidence: str) -> Conclusion:
    """The target refuses TLS 1.2 or 1.3. A client without 1.3 may be the older of the two: the report tells."""
    also = _also(case, TargetVerdict.SERVER_TOO_OLD)
    if also or case.record.tls_version == _NEWEST:
        return Conclusion(Code.SERVER_TOO_OLD, _LIKELY, evidence + also)
    if case.report is not None and case.report.tls_version == _NEWEST:
        spoke = f"; the gate's own look at {case.report.time:%H:%M:%S} spoke TLS {_NEWEST}"
        return Conclusion(Code.CLIENT_TOO_OLD, case.by_report(_LIKELY), evidence + spoke)
    return Conclusion(Code.SERVER_TOO_OLD, _POSSIBLE, evidence)


def of_cut_handshake(case: Case) -> Conclusion:
    """The target answered the hello, and the handshake did not complete."""
    record = case.record
    waited = waited_ms(record)
    got = f"{record.upstream_read} bytes had come from the target"
    if record.upstream_alert in _WANTS_CERTIFICATE:
        return Conclusion(Code.CLIENT_CERTIFICATE_WANTED, _LIKELY, _said(record.upstream_alert))
    wants = _of_wanted_certificate(case)
    if wants is not None:
        return wants
    by_alert = _of_alert(case)
    if by_alert is not None:
        return by_alert
    if lost(record, record.client_tcp):
        return Conclusion(Code.CLIENT_DEAF, _LIKELY, f"{got}; towards the client {in_words(record.client_tcp)}")
    if lost(record, record.upstream_tcp):
        evidence = f"{got}; towards the target {in_words(record.upstream_tcp)}"
        return Conclusion(Code.STALLED_IN_HANDSHAKE, _LIKELY, evidence)
    if waited >= SILENCE_MS and is_clients_turn(record):
        evidence = f"the target's part of the handshake had come, and the client said nothing for {seconds(waited)}"
        return certificates.of_doubt(case, in_handshake=True) or Conclusion(Code.UNKNOWN, _POSSIBLE, evidence)
    if waited >= SILENCE_MS:
        return Conclusion(Code.STALLED_IN_HANDSHAKE, _LIKELY, f"{got}, and then nothing for {seconds(waited)}")
    if left_at_certificate(record):
        judged = certificates.of_doubt(case, in_handshake=True)
        if judged is not None:
            return judged
    return Conclusion(Code.RESET_IN_HANDSHAKE, _LIKELY, f"{got}; {_ended(record)} {seconds(waited)} later")


def _of_alert(case: Case) -> Conclusion | None:
    """A handshake that one side ended by an alert in the clear; None without one."""
    record = case.record
    theirs, ours = record.upstream_alert, record.client_alert
    if theirs is not None and theirs not in _NO_FAULT:
        if theirs == Alert.PROTOCOL_VERSION or theirs in _NO_COMMON_GROUND:
            return of_refused_hello(case)
        return Conclusion(Code.SERVER_REFUSED_AFTER_HANDSHAKE, _LIKELY, _said(theirs))
    if ours is None or ours in _NO_FAULT or _is_of_a_cut(record):
        return None
    said = f"the client sent alert {ours} ({alert_name(ours)})"
    if ours == Alert.PROTOCOL_VERSION:
        return Conclusion(Code.SERVER_TOO_OLD, _LIKELY, said)
    if record.tls_negotiated in _OLD and record.tls_version not in _OLD:  # OpenSSL does not call it a version
        return Conclusion(Code.SERVER_TOO_OLD, _LIKELY, f"the target chose TLS {record.tls_negotiated}; {said}")
    if ours in _NO_COMMON_GROUND:
        return Conclusion(Code.NO_COMMON_CIPHER, _POSSIBLE, said)
    return Conclusion(Code.UNKNOWN, _POSSIBLE, said)


def _is_of_a_cut(record: TunnelRecord) -> bool:
    """Whether the client's alert only answers the end of the connection within a message, as OpenSSL 3.5 does."""
    return record.client_alert == Alert.DECODE_ERROR and record.ended_first is Party.UPSTREAM


def of_unused_handshake(case: Case) -> Conclusion:
    """The handshake is complete, and nothing was asked: a test, or a client that checks the certificate last."""
    record = case.record
    wants = _of_wanted_certificate(case)
    if wants is not None:  # a server may ask for one that it does not need
        return Conclusion(wants.code, lower(wants.certainty), wants.evidence)
    if record.upstream_alert is not None and record.upstream_alert not in _NO_FAULT:
        return Conclusion(Code.SERVER_REFUSED_AFTER_HANDSHAKE, _LIKELY, _said(record.upstream_alert))
    judged = certificates.of_doubt(case)
    if judged is not None:
        return judged
    return Conclusion(Code.HANDSHAKE_ONLY, _POSSIBLE, f"the tunnel was open for {seconds(record.relay_ms or 0.0)}")


def of_unanswered_request(case: Case) -> Conclusion:
    """The client asked for something after the handshake, and got no answer, or one that looks like a ticket."""
    record = case.record
    waited = _unanswered_ms(record)
    asked = f"{record.request_bytes} bytes of the request had passed"
    wants = _of_wanted_certificate(case)
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
        return Conclusion(Code.CUT_IN_USE, _POSSIBLE, f"{asked}; {_ended(record)} {seconds(waited)} later")
    if record.upstream_alert is not None or (ended_in_order and not _client_gave_up(record)):
        said = _said(record.upstream_alert) if record.upstream_alert is not None else "the target ended TLS in order"
        return Conclusion(Code.SERVER_REFUSED_AFTER_HANDSHAKE, _LIKELY, said)
    return Conclusion(Code.CUT_IN_USE, _LIKELY, f"{asked}; {_ended(record)} {seconds(waited)} later")


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


def of_other_protocol(case: Case) -> Conclusion:
    """The target's first bytes are no TLS."""
    record = case.record
    said = f"it said {record.target_said!r}" if record.target_said else "its first bytes are no TLS record"
    behind = f", behind {record.parent}" if through_parent(record) else ""
    return Conclusion(Code.TARGET_NOT_TLS, _CERTAIN, said + behind)


def _of_wanted_certificate(case: Case) -> Conclusion | None:
    """The client showed an empty certificate, or the gate's own look met a target that wants one; None if neither."""
    if shows_no_certificate(case.record):
        evidence = "the client was asked for a certificate, showed an empty one, and got no answer"
        return Conclusion(Code.CLIENT_CERTIFICATE_WANTED, _LIKELY, evidence)
    also = _also(case, TargetVerdict.CLIENT_CERTIFICATE)
    if also:
        return Conclusion(Code.CLIENT_CERTIFICATE_WANTED, case.by_report(_LIKELY), f"no answer came{also}")
    return None


def _said(alert: int | None) -> str:
    return "the target sent an alert" if alert is None else f"the target sent alert {alert} ({alert_name(alert)})"


def _ended(record: TunnelRecord) -> str:
    """How a tunnel ended, without the side."""
    return f"the connection was reset ({record.detail})" if record.detail else "the connection was closed"


def _also(case: Case, verdict: TargetVerdict) -> str:
    """That the gate's own look at the target met the same; empty if it did not."""
    report = case.report
    if report is None or report.verdict is not verdict:
        return ""
    return f"; the gate's own look at {report.time:%H:%M:%S} met the same"


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
