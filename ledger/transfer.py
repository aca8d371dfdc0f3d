"""A ledger as JSON lines: the first has the schema's number, each other one an entry. For backups and moves.

Pure. An export is text and belongs to no database, so it also moves a ledger from SQLite to PostgreSQL.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, Literal

import msgspec
from msgspec import Struct

from licensegate.records.json_errors import JSON_ERRORS
from licensegate.records.text import printable

from .entries import LONGEST_TEXT, LedgerEntry

SCHEMA: Final = 3
"""Raised by one when a line changes its meaning; a new kind of line or key raises it, too."""

_LONGEST_LINE: Final = 65_536 + 6 * LONGEST_TEXT  # each character of a text may be escaped: \\u001b


class ExportHeader(Struct, forbid_unknown_fields=True):
    """The first line."""

    ledger: Literal["licensegate"]
    schema: int


class TransferError(Exception):
    """A line cannot be read. `str()` names it and says why."""


def export_lines(entries: Iterable[LedgerEntry]) -> Iterator[bytes]:
    """Yield the lines of an export."""
    encode = msgspec.json.Encoder().encode
    yield encode(ExportHeader("licensegate", SCHEMA)) + b"\n"
    for entry in entries:
        yield encode(entry) + b"\n"


def imported_entries(stream: BinaryIO) -> Iterator[LedgerEntry]:
    """Yield the entries of an export. Raises TransferError at the first line that is not one."""
    _read_header(stream.readline(_LONGEST_LINE))
    decode = msgspec.json.Decoder(LedgerEntry).decode
    number = 1
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if not line.endswith(b"\n"):
            raise TransferError(f"line {number} is cut off: export the ledger again")
        try:
            entry = decode(line)
        except JSON_ERRORS as error:
            said = printable(str(error).encode(errors="backslashreplace"))
            raise TransferError(f"line {number} is not an entry of a ledger: {said}") from None
        if b"\\u0000" in line and _has_null(entry):
            raise TransferError(f"line {number} has a character that no ledger keeps, \\u0000")
        yield entry


def _has_null(entry: LedgerEntry) -> bool:
    values = (entry.client.name, *(getattr(entry, name) for name in entry.__struct_fields__))
    return any(isinstance(value, str) and "\0" in value for value in values)


def _read_header(line: bytes) -> None:
    try:
        header = msgspec.json.decode(line, type=ExportHeader)
    except JSON_ERRORS:
        raise TransferError("line 1 is not the beginning of an export of a ledger") from None
    if not 1 <= header.schema <= SCHEMA:
        raise TransferError(f"a newer release wrote it, with schema {header.schema}; this one knows up to {SCHEMA}")
