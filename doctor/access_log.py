"""The newest records of the access log, for a bundle: only keys that a record has, their texts without logins."""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from licensegate.app.settings import LogKind, Settings
from licensegate.records.json_errors import JSON_ERRORS
from licensegate.records.record import TunnelRecord
from licensegate.records.text import without_logins

_MOST_BYTES: Final = 4 << 20
_MOST_RECORDS: Final = 2000
_TEXT_CHARACTERS: Final = 400
_KEYS: Final = frozenset(TunnelRecord.__struct_fields__)


def recent_records(settings: Settings) -> tuple[list[dict[str, Any]], str]:
    """The newest records, and why there are none or not all, in words. Reads the end of the log only."""
    place = settings.log.access
    if place.kind is not LogKind.FILE:
        return [], f"the access log goes to {place}: add its last lines by hand (journalctl, docker logs)"
    access = place.path
    try:
        with open(access, "rb") as log:
            size = os.fstat(log.fileno()).st_size
            log.seek(max(0, size - _MOST_BYTES))
            lines = log.read(_MOST_BYTES).splitlines()
    except OSError as error:
        return [], f"{access}: {error.strerror}"
    if size > _MOST_BYTES:
        lines = lines[1:]  # the first one was cut
    records = [record for line in lines[-_MOST_RECORDS:] if (record := _read(line))]
    return records, f"the last {len(records)} records of {access}"


def count_findings(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How often each finding and each outcome occurs, the most frequent first."""
    records = list(records)
    return {
        key: dict(Counter(str(record[key]) for record in records if record.get(key)).most_common())
        for key in ("finding", "outcome", "contact")
    }


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        read = msgspec.json.decode(line)
    except JSON_ERRORS:
        return None
    if not isinstance(read, dict):
        return None
    return {key: _clean(value) for key, value in read.items() if key in _KEYS}


def _clean(value: Any) -> Any:
    match value:
        case str():
            return without_logins(value.encode(errors="replace"), _TEXT_CHARACTERS)
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {_clean(name): _clean(item) for name, item in value.items()}
        case _:
            return value
