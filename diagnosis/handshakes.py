"""Findings about tunnels whose TLS handshake did not complete. Pure."""

from typing import Final

from licensegate.records.alert import ABOUT_A_CERTIFICATE, Alert, alert_name
from licensegate.records.finding import Certainty
from licensegate.records.outcome import Party
from licensegate.records.record import TunnelRecord
from licensegate.records.target_verdict import TargetVerdict

from . import certificates
from .case import SILENCE_MS, Case, Conclusion, in_words, lost, seconds, through_parent, waited_ms
from .codes import Code
from .evidence import NO_FAULT, alert_in_words, end_in_words, met_by_look, of_wanted_certificate
from .shapes import (
    is_clients_turn,
    left_at_certificate,
)

_CERTAIN, _LIKELY, _POSSIBLE = Certainty.CERTAIN, Certainty.LIKELY, Certainty.POSSIBLE

_OLD: Final = frozenset({"ssl3", "1.0", "1.1"})
"""Versions that servers have stopped to accept (RFC 8996)."""

_NEWEST: Final = "1.3"

_NO_COMMON_GROUND: Final = frozenset({Alert.HANDSHAKE_FAILURE, Alert.INSUFFICIENT_SECURITY})
_REFUSES_OLD: Final = _NO_COMMON_GROUND | {Alert.INTERNAL_ERROR}
"""How servers refuse TLS 1.0 and 1.1 beside protocol_version: OpenSSL 3 has no signature for them at its own level."""

_WANTS_CERTIFICATE: Final = frozenset({Alert.CERTIFICATE_REQUIRED, Alert.NO_CERTIFICATE, *ABOUT_A_CERTIFICATE})


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
        return _of_silence(case, f"no byte came for {seconds(waited)}, and then {end_in_words(record)}")
    evidence = f"{end_in_words(record)} {seconds(waited)} after the ClientHello"
    if through_parent(record):
        return Conclusion(Code.PARENT_TUNNEL_DEAD, _LIKELY, f"{evidence}, after {record.parent} had said 200")
    return Conclusion(Code.SERVER_CLOSED_ON_HELLO, _CERTAIN, evidence + met_by_look(case, TargetVerdict.HELLO_CUT))


def _of_silence(case: Case, evidence: str) -> Conclusion:
    record = case.record
    if through_parent(record):
        return Conclusion(Code.PARENT_TUNNEL_DEAD, _LIKELY, f"{evidence}, after {record.parent} had said 200")
    if lost(record, record.upstream_tcp):
        return Conclusion(Code.SILENT_AFTER_HELLO, _LIKELY, f"{evidence}; {in_words(record.upstream_tcp)}")
    return Conclusion(Code.SILENT_AFTER_HELLO, _LIKELY, evidence + met_by_look(case, TargetVerdict.SILENT))


def of_refused_hello(case: Case) -> Conclusion:
    """The target's first record is an alert."""
    record = case.record
    alert = record.upstream_alert
    said = alert_in_words(alert)
    offered = f"; the ClientHello offered TLS {record.tls_version}" if record.tls_version else ""
    is_old = record.tls_version in _OLD
    if alert == Alert.PROTOCOL_VERSION:
        if is_old:
            return Conclusion(Code.CLIENT_TOO_OLD, _CERTAIN, said + offered)
        return _of_refused_version(case, said + offered)
    if is_old and alert in _REFUSES_OLD:
        return Conclusion(Code.CLIENT_TOO_OLD, _LIKELY, said + offered)
    if alert in _NO_COMMON_GROUND:
        also = met_by_look(case, TargetVerdict.HELLO_REFUSED)
        if also:
            return Conclusion(Code.SERVER_REFUSED_HELLO, _LIKELY, said + also)
        return Conclusion(Code.NO_COMMON_CIPHER, _LIKELY, said + offered)
    return Conclusion(Code.SERVER_REFUSED_HELLO, _CERTAIN if alert is not None else _LIKELY, said)


def _of_refused_version(case: Case, evidence: str) -> Conclusion:
    """The target refuses TLS 1.2 or 1.3. A client without 1.3 may be the older of the two: the report tells."""
    also = met_by_look(case, TargetVerdict.SERVER_TOO_OLD)
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
        return Conclusion(Code.CLIENT_CERTIFICATE_WANTED, _LIKELY, alert_in_words(record.upstream_alert))
    wants = of_wanted_certificate(case)
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
    return Conclusion(Code.RESET_IN_HANDSHAKE, _LIKELY, f"{got}; {end_in_words(record)} {seconds(waited)} later")


def _of_alert(case: Case) -> Conclusion | None:
    """A handshake that one side ended by an alert in the clear; None without one."""
    record = case.record
    theirs, ours = record.upstream_alert, record.client_alert
    if theirs is not None and theirs not in NO_FAULT:
        if theirs == Alert.PROTOCOL_VERSION or theirs in _NO_COMMON_GROUND:
            return of_refused_hello(case)
        return Conclusion(Code.SERVER_REFUSED_AFTER_HANDSHAKE, _LIKELY, alert_in_words(theirs))
    if ours is None or ours in NO_FAULT or _is_of_a_cut(record):
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


def of_other_protocol(case: Case) -> Conclusion:
    """The target's first bytes are no TLS."""
    record = case.record
    said = f"it said {record.target_said!r}" if record.target_said else "its first bytes are no TLS record"
    behind = f", behind {record.parent}" if through_parent(record) else ""
    return Conclusion(Code.TARGET_NOT_TLS, _CERTAIN, said + behind)
