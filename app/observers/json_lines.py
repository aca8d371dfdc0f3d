"""The access log as JSON: `docs/records.md`. Pure.

A record that would be longer than its reader takes goes without its lists, and then with shorter texts: half a line of
JSON could not be read at all.
"""

from typing import Final

import msgspec
from msgspec import structs

from licensegate.records.log_reader import LogEntry
from licensegate.records.record import TunnelRecord

_SHORT: Final = 60
"""Characters of a text that was shortened."""

_encode: Final = msgspec.json.Encoder().encode


class JsonLines:
    """Encodes the entries of the access log in at most `longest` bytes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest

    def encode(self, entry: LogEntry) -> bytes:
        """One line, without its end."""
        line = _encode(entry)
        if len(line) > self._longest and isinstance(entry, TunnelRecord):
            entry = structs.replace(
                entry, fields=(), alpn=(), addresses=(), attempts=[], client_records=(), upstream_records=(),
                server_certificate=None,
            )  # fmt: skip
            line = _encode(entry)
        if len(line) > self._longest:
            texts = {name: value for name, value in structs.asdict(entry).items() if type(value) is str}
            line = _encode(structs.replace(entry, **{name: value[:_SHORT] for name, value in texts.items()}))
        return line
