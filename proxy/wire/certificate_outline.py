"""Reads who a certificate is for, who signed it and how long it is valid, from its DER (RFC 5280 section 4.1).

The gate sees a server's certificate where TLS up to 1.2 shows it, and verifies nothing: the outline is for people and
for findings. An X.509 library would cost 15 MB and 60 ms in the gate's loop. Work and results are bounded.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from licensegate.records.certificate import CertificateOutline
from licensegate.records.text import printable

_BOOLEAN: Final = 0x01
_OCTET_STRING: Final = 0x04
_OID: Final = 0x06
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_BMP_STRING: Final = 0x1E
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_DNS_NAME: Final = 0x82  # in a GeneralName
_IP_ADDRESS: Final = 0x87
_ADDRESS_SIZES: Final = (4, 16)

_SUBJECT_ALTERNATIVE_NAME: Final = b"\x55\x1d\x11"  # 2.5.29.17
_ATTRIBUTES: Final = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
"""Attributes of a name that are shown, by their object identifier (RFC 4519)."""

_MOST_NAMES: Final = 16
_MOST_PARTS: Final = 64  # of one sequence
_NAME_CHARACTERS: Final = 200
_PART_CHARACTERS: Final = 64

_Part = tuple[int, bytes]
"""Tag and contents."""


def certificate_outline(der: bytes) -> CertificateOutline | None:
    """Return the outline of a certificate in DER, or None if it cannot be read."""
    try:
        return _outline(der)
    except (ValueError, StopIteration):
        return None


def _outline(der: bytes) -> CertificateOutline:
    parts = _parts(_contents(_contents(der, _SEQUENCE), _SEQUENCE))
    tag, _ = next(parts)  # the serial number, unless a version precedes it
    if tag == _VERSION:
        next(parts)
    next(parts)  # the algorithm of the signature
    issuer = _name(_of(next(parts), _SEQUENCE))
    validity = _parts(_of(next(parts), _SEQUENCE))
    not_before, not_after = _time(next(validity)), _time(next(validity))
    subject = _name(_of(next(parts), _SEQUENCE))
    extensions = next((contents for tag, contents in parts if tag == _EXTENSIONS), b"")
    return CertificateOutline(subject, issuer, not_before, not_after, _alternative_names(extensions))


def _parts(data: bytes) -> Iterator[_Part]:
    """Yield each value in the contents of a sequence or set. Raises ValueError if one is cut short or too long."""
    position = 0
    for _ in range(_MOST_PARTS):
        if position >= len(data):
            return
        if position + 2 > len(data):
            raise ValueError("half a value")
        tag, size = data[position], data[position + 1]
        position += 2
        if size & 0x80:
            octets = size & 0x7F
            if not 1 <= octets <= 4 or position + octets > len(data):
                raise ValueError("a length that DER does not know")
            size = int.from_bytes(data[position : position + octets], "big")
            position += octets
        if position + size > len(data):
            raise ValueError("a value that is cut short")
        yield tag, data[position : position + size]
        position += size


def _of(part: _Part, tag: int) -> bytes:
    """Return the contents of a value that must have this tag. Raises ValueError."""
    if part[0] != tag:
        raise ValueError("a value of another type")
    return part[1]


def _contents(data: bytes, tag: int) -> bytes:
    """Return the contents of the first value in `data`, which must have this tag."""
    return _of(next(_parts(data)), tag)


def _name(data: bytes) -> str:
    """Return a name as text, its most specific part first (RFC 4514 section 2.1)."""
    shown = []
    for relative in _parts(data):
        for attribute in _parts(_of(relative, _SET)):
            parts = _parts(_of(attribute, _SEQUENCE))
            kind = _ATTRIBUTES.get(_of(next(parts), _OID))
            tag, value = next(parts)
            if kind is not None:
                shown.append(f"{kind}={_text(tag, value)}")
    return ", ".join(reversed(shown))[:_NAME_CHARACTERS]


def _text(tag: int, value: bytes) -> str:
    if tag == _BMP_STRING:
        value = value.decode("utf-16-be", "replace").encode()
    return printable(value, _PART_CHARACTERS)


def _time(part: _Part) -> datetime:
    """Return a point in time (RFC 5280 section 4.1.2.5): UTCTime has years from 1950 to 2049."""
    tag, value = part
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("a time of another type")
    if len(text) != len("YYYYMMDDHHMMSSZ") or not text[:-1].isdigit():
        raise ValueError("a time that X.509 does not know")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _alternative_names(extensions: bytes) -> tuple[str, ...]:
    """Return the DNS names and IP addresses in the extension for alternative names, at most 16."""
    if not extensions:
        return ()
    for extension in _parts(_contents(extensions, _SEQUENCE)):
        parts = [part for part in _parts(_of(extension, _SEQUENCE)) if part[0] != _BOOLEAN]  # whether it is critical
        if len(parts) == 2 and parts[0] == (_OID, _SUBJECT_ALTERNATIVE_NAME):
            names = _contents(_of(parts[1], _OCTET_STRING), _SEQUENCE)
            found = (name for tag, value in _parts(names) if (name := _alternative_name(tag, value)))
            return tuple(name for _, name in zip(range(_MOST_NAMES), found, strict=False))
    return ()


def _alternative_name(tag: int, value: bytes) -> str:
    """Return a GeneralName as text; empty if it is neither a DNS name nor an address."""
    if tag == _DNS_NAME:
        return printable(value, _NAME_CHARACTERS)
    return str(ip_address(value)) if tag == _IP_ADDRESS and len(value) in _ADDRESS_SIZES else ""
