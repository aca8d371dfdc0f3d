"""The responses to a CONNECT: the tunnel is open (RFC 9110 section 9.3.6), or why it is not.

A refusal gives its reason in three places, since clients show different ones: the reason phrase (all that Java's
exception carries), `Proxy-Status` (RFC 9209) for machines, and a short text for people. The text names LicenseGate,
because Apache HttpClient passes it on as if the target had sent it. It is in the client's language (RFC 9110 section
12.5.4); the reason phrase is always in English, because it has to be ASCII.
"""

import math
from collections.abc import Iterable
from typing import Final

from licensegate.language.language import ENGLISH, Language
from licensegate.records.alert import Alert
from licensegate.records.finding import Finding
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import TunnelRecord

from .tls_records import fatal_alert

ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
"""Without length, transfer coding or `Connection: close`: old clients end the tunnel on any of them."""

_HEALTHY: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\n"
    b"Content-Length: 3\r\n"
    b"Connection: close\r\n\r\n"
)

_ALERTS: Final = {
    Outcome.CLIENT_NOT_ALLOWED: Alert.ACCESS_DENIED,
    Outcome.LOGIN_IMPOSSIBLE: Alert.ACCESS_DENIED,
    Outcome.TARGET_NOT_FOR_CLIENT: Alert.ACCESS_DENIED,
    Outcome.TUNNELS_EXHAUSTED: Alert.INTERNAL_ERROR,
    Outcome.CLIENT_TUNNELS_EXHAUSTED: Alert.INTERNAL_ERROR,
    Outcome.CLIENT_RATE_EXCEEDED: Alert.INTERNAL_ERROR,
    Outcome.USER_RATE_EXCEEDED: Alert.INTERNAL_ERROR,
    Outcome.DRAINING: Alert.INTERNAL_ERROR,
    Outcome.HELLO_MALFORMED: Alert.DECODE_ERROR,
    Outcome.INNER_HELLO_MALFORMED: Alert.DECODE_ERROR,
    Outcome.HELLO_LOOP: Alert.INTERNAL_ERROR,
}
_ALERT_OF_STAGE: Final = {Stage.POLICY: Alert.UNRECOGNIZED_NAME, Stage.INNER_HELLO: Alert.UNRECOGNIZED_NAME}
_END: Final = "\r\n"
_METHOD_NOT_ALLOWED: Final = 405
_LATER: Final = frozenset({429, 503})
"""With Retry-After (RFC 6585 section 4, RFC 9110 section 10.2.3)."""

_RETRY_SECONDS: Final = 60


def refusal(
    record: TunnelRecord,
    challenges: Iterable[str] = (),
    finding: Finding | None = None,
    language: Language = ENGLISH,
    wait: float = 0,
) -> bytes:
    """Return the response for a record with an error status; the connection closes after it (RFC 9931 section 8).

    `challenges` go with a 407, each in its own field, since some clients read only one per field. The text for people
    is that of the `finding`, which may know more than the outcome and is in the same language. `wait`: the seconds
    until the client may try again, if they are known. Raises ValueError for an outcome without an error status: a 200
    would open a tunnel.
    """
    outcome = record.outcome
    if outcome is None or outcome.status < 400:
        raise ValueError("only an outcome with an error status has an answer")
    reason = _one_line(record.sentence())[:240]
    if finding is None:
        sentence, remedy = record.sentence(language), record.remedy(language)
    else:
        sentence, remedy = finding.sentence, finding.remedy
    told, cure = _one_line_in(language, sentence), _one_line_in(language, remedy)
    body = f"LicenseGate: {told} {cure} ({outcome.label}, {record.id})\n".encode()
    error = f"error={outcome.error}; " if outcome.error else ""
    head = (
        f"HTTP/1.1 {outcome.status} {outcome.label}: {reason}\r\n"
        f'Proxy-Status: licensegate; {error}details="{outcome.label} {record.id}"\r\n'
        f"{''.join(f'Proxy-Authenticate: {challenge}{_END}' for challenge in challenges)}"
        f"{'Allow: CONNECT' + _END if outcome.status == _METHOD_NOT_ALLOWED else ''}"
        f"{f'Retry-After: {math.ceil(wait) or _RETRY_SECONDS}{_END}' if outcome.status in _LATER else ''}"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Language: {language.code}\r\n"
        "Cache-Control: no-store\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if record.method == "HEAD" else body)  # RFC 9110 section 9.3.2


def healthy(method: str) -> bytes:
    """Return the response to a health check by GET or HEAD; the connection closes after it."""
    return _HEALTHY if method == "HEAD" else _HEALTHY + b"ok\n"


def alert(outcome: Outcome) -> bytes:
    """Return the fatal alert for a refused TLS client (RFC 8446 section 6.2); curl and Java report it by name."""
    return fatal_alert(_ALERTS.get(outcome, _ALERT_OF_STAGE.get(outcome.stage, Alert.INTERNAL_ERROR)))


def _one_line(text: str) -> str:
    """Return the text as printable ASCII, so that untrusted bytes in a detail cannot end the line early."""
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _one_line_in(language: Language, text: str) -> str:
    """`_one_line` for English; other languages keep their printable letters."""
    if language is ENGLISH:
        return _one_line(text)
    return "".join(letter if letter.isprintable() else _one_line(letter) for letter in text)
