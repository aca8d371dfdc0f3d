"""From what was seen in an exchange to the verdict on its target. Pure but for OpenSSL's verification of the chain."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from licensegate.certs.chain import ChainJudge, ChainJudgement
from licensegate.records.alert import Alert
from licensegate.records.target_verdict import TargetVerdict
from licensegate.records.text import printable

from .exchange import Ended, Exchange

_SAID_CHARACTERS: Final = 40
_NO_CIPHER: Final = frozenset({Alert.HANDSHAKE_FAILURE, Alert.INSUFFICIENT_SECURITY})
_MAY_BE_OLD: Final = frozenset({Ended.REFUSED, Ended.CUT, Ended.FAILED_HERE})
_TRUSTED: Final = frozenset({TargetVerdict.PUBLIC, TargetVerdict.PRIVATE, TargetVerdict.NOT_JUDGED})


def may_be_too_old(seen: Exchange) -> bool:
    """Tell whether an older version of TLS is worth a second try.

    A server that began its handshake and was cut off speaks a version of today: a second try that gets through says
    nothing about it.
    """
    was_cut_off = seen.ended is Ended.CUT and seen.received > 0
    return seen.ended in _MAY_BE_OLD and not seen.wants_certificate and not was_cut_off


def skew_of(seen: Exchange) -> timedelta | None:
    """Return how far the server's Date was ahead of the gate's clock; None without one. Date has whole seconds."""
    if seen.date is None or seen.dated is None:
        return None
    return seen.date - seen.dated


class Verdict(Struct, frozen=True):
    """The verdict, its reason in words, and what is known of the chain."""

    verdict: TargetVerdict
    detail: str
    judged: ChainJudgement | None = None


def judge(seen: Exchange, judge_chain: ChainJudge, host: str, now: datetime, older: Exchange | None = None) -> Verdict:
    """Judge an exchange at the time `now`. `older` is a second try with old versions of TLS, if there was one."""
    if older is not None and older.ended is Ended.COMPLETE:
        old = judge_chain.judge(older.chain, host, now, skew_of(older))
        return Verdict(TargetVerdict.SERVER_TOO_OLD, f"it speaks {older.tls_version} and nothing newer", old)
    judged = judge_chain.judge(seen.chain, host, now, skew_of(seen)) if seen.chain else None
    if seen.ended is not Ended.COMPLETE:
        verdict, detail = _judge_failure(seen)
        return Verdict(verdict, detail, judged)
    if judged is None:
        return Verdict(TargetVerdict.UNTRUSTED, "it showed no certificate")
    if judged.verdict in _TRUSTED and _wanted_certificate(seen):
        return Verdict(TargetVerdict.CLIENT_CERTIFICATE, _certificate_wanted(seen), judged)
    return Verdict(judged.verdict, judged.detail, judged)


def _wanted_certificate(seen: Exchange) -> bool:
    """Servers may ask for a certificate that they do not need: only one that does not answer needs it."""
    return seen.alert == Alert.CERTIFICATE_REQUIRED or (seen.wants_certificate and not seen.http_status)


def _certificate_wanted(seen: Exchange) -> str:
    ended = f"sent alert {named(seen.alert)}" if seen.alert else "did not answer"
    return f"it asked for a client's certificate, got none, and {ended}"


def _judge_failure(seen: Exchange) -> tuple[TargetVerdict, str]:
    match seen.ended:
        case Ended.NOT_TLS:
            return TargetVerdict.NOT_TLS, f"it said {printable(seen.said, _SAID_CHARACTERS)!r} instead of TLS"
        case Ended.SILENT if seen.received:
            return TargetVerdict.SILENT, f"it fell silent after {seen.received} bytes of its handshake"
        case Ended.SILENT:
            return TargetVerdict.SILENT, "it did not answer the ClientHello"
        case Ended.FAILED_HERE:
            return TargetVerdict.HELLO_REFUSED, f"OpenSSL could not go on with what it sent: {seen.failure}"
    if seen.wants_certificate:
        return TargetVerdict.CLIENT_CERTIFICATE, _certificate_wanted(seen)
    if seen.alert is None:
        after = f"{seen.received} bytes of its handshake" if seen.received else "the ClientHello, without a byte"
        return TargetVerdict.HELLO_CUT, f"it closed the connection after {after}"
    if seen.alert in _NO_CIPHER:
        return TargetVerdict.NO_COMMON_CIPHER, f"it refused what the ClientHello offers by alert {named(seen.alert)}"
    return TargetVerdict.HELLO_REFUSED, f"it refused the ClientHello by alert {named(seen.alert)}"


def named(alert: int | None) -> str:
    """Return an alert's number and name, such as `70 (protocol_version)`."""
    try:
        return f"{alert} ({Alert(alert or 0).name.lower()})"
    except ValueError:
        return str(alert)
