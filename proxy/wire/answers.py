"""The two answers of a CONNECT proxy: the tunnel is there (RFC 9110 section 9.3.6), or why it is not.

A refusal says it three ways, since each client shows its user another: the reason phrase (all that Java's exception
carries), `Proxy-Status` (RFC 9209) for machines, and a short text for people, which says whose it is: Apache HttpClient
hands it on as if the target had answered.
"""

from typing import Final

from ..record import TunnelRecord

ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
"""Carries no length, no coding and no `Connection: close`: old clients take any of them for an end of the tunnel."""

_FIELDS_OF_STATUS: Final = {405: "Allow: CONNECT\r\n", 429: "Retry-After: 60\r\n", 503: "Retry-After: 60\r\n"}


def refusal(record: TunnelRecord) -> bytes:
    """The answer for a record whose outcome has an error status; the connection closes after it (RFC 9931 section 8).

    Raises ValueError for any other: a 200 would open a tunnel.
    """
    outcome = record.outcome
    if outcome is None or outcome.status < 400:
        raise ValueError("only an outcome with an error status has an answer")
    sentence = _one_line(record.sentence())
    body = f"LicenseGate: {sentence} {_one_line(record.cure())} ({outcome.label}, {record.id})\n".encode()
    error = f"error={outcome.error}; " if outcome.error else ""
    head = (
        f"HTTP/1.1 {outcome.status} {outcome.label}: {sentence[:240]}\r\n"
        f'Proxy-Status: licensegate; {error}details="{outcome.label} {record.id}"\r\n'
        f"{_FIELDS_OF_STATUS.get(outcome.status, '')}"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Cache-Control: no-store\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if record.method == "HEAD" else body)  # RFC 9110 section 9.3.2


def _one_line(text: str) -> str:
    """Printable ASCII only, whatever a stranger's bytes in a detail were: nothing may end the line early."""
    return text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode("ascii")
