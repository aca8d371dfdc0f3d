"""Formats lines as entries of systemd's journal, in its native protocol: values in, bytes out. Pure.

Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
"""

from typing import Final

from .sink import Severity
from .syslog_message import Origin

JOURNAL_SOCKET: Final = "/run/systemd/journal/socket"


def journal_entry(origin: Origin, severity: Severity, text: bytes) -> bytes:
    """One datagram: a field a line; a text with a newline has its length in front."""
    fields = (
        f"PRIORITY={int(severity)}\nSYSLOG_FACILITY={origin.facility}\nSYSLOG_IDENTIFIER={origin.app_name}\n"
        f"LICENSEGATE_LOG={origin.message_id}\n"
    ).encode()
    if b"\n" in text:
        return fields + b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n"
    return fields + b"MESSAGE=" + text + b"\n"
