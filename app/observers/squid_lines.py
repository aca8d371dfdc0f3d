"""The access log in squid's native format (`logformat squid`), for programs that read squid's logs. Pure.

1796069736.059    352 10.20.30.40 TCP_TUNNEL/200 5449 CONNECT tools.cisco.com:443 - HIER_DIRECT/192.0.2.1 -

The end in seconds, the duration in milliseconds, the client, squid's result and the status, the bytes that the client
got, method, target, user, the way and its address, and the type of an answer of the gate's own. Where squid would
write a user with a blank as two fields, the blank is encoded, too. squid has no line for the start of a tunnel.
"""

import re
from typing import Final

from licensegate.records.log_reader import LogEntry
from licensegate.records.record import DIRECT, TunnelRecord
from licensegate.records.summary import RecordSummary

_DENIED: Final = frozenset({403, 407, 429})
_NOT_IN_A_FIELD: Final = re.compile(rb"[^!-~]")
_NOT_IN_A_USER: Final = re.compile(rb"[^!-~]|%")
_ESCAPED: Final = re.compile(rb"\\x([0-9a-f]{2})")
_NO_REQUEST: Final = "error:transaction-end-before-headers"
_INVALID: Final = "error:invalid-request"


def squid_line(entry: LogEntry) -> bytes:
    """One line, without its end; empty for an entry that squid has no line for.

    A summary becomes a line whose target says how many connections it stands for: `error:412-more-connections`.
    """
    if isinstance(entry, RecordSummary):
        return _line(
            entry.time.timestamp(), 0.0, entry.client, "NONE_NONE/000", entry.client_written, "-",
            f"error:{entry.count}-more-connections", "", "HIER_NONE/-", "-",
        )  # fmt: skip
    if entry.event != "end" or entry.outcome is None:
        return b""
    duration = (entry.total_ms or 0.0) / 1000
    status = entry.outcome.status
    answered = status >= 400 and entry.client_written > 0
    return _line(
        entry.time.timestamp() + duration, duration, entry.client, f"{_result(status)}/{status:03}",
        entry.client_written, entry.method, _target(entry, status), entry.user, _way(entry),
        "text/plain" if answered else "-",
    )  # fmt: skip


def _line(
    at: float, duration: float, client: str, result: str, written: int, method: str, target: str, user: str, way: str,
    content_type: str,
) -> bytes:  # fmt: skip
    return (
        f"{at:14.3f} {round(duration * 1000):6} {client or '-'} {result} {written} {_field(method)} {_field(target)} "
        f"{_encoded(_NOT_IN_A_USER, user)} {way} {content_type}"
    ).encode()


def _result(status: int) -> str:
    """squid's result code: what became of the request."""
    if status == 200:
        return "TCP_TUNNEL"
    return "TCP_DENIED" if status in _DENIED else "NONE_NONE"


def _target(record: TunnelRecord, status: int) -> str:
    return record.target or record.requested or (_INVALID if status or record.client_read else _NO_REQUEST)


def _way(record: TunnelRecord) -> str:
    """How the target was reached, and at which address."""
    address = record.upstream.rpartition(":")[0].strip("[]")
    if not address and record.attempts:
        address = record.attempts[-1].address
    if not address:
        return "HIER_NONE/-"
    through_parent = record.parent not in ("", DIRECT)
    return f"{'FIRSTUP_PARENT' if through_parent else 'HIER_DIRECT'}/{address}"


def _field(text: str) -> str:
    return _encoded(_NOT_IN_A_FIELD, text)


def _encoded(pattern: re.Pattern[bytes], text: str) -> str:
    """The text with the bytes of this pattern as `%20`; a dash without any, as squid writes it.

    Bytes that records escape (`records.text.printable`) are those of the client again.
    """
    raw = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode(errors="surrogateescape"))
    return pattern.sub(lambda found: b"%%%02x" % found[0][0], raw).decode() or "-"
