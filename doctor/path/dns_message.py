"""Asks one DNS server one question (RFC 1035 section 4). Bytes in, values out.

The gate's own look-ups go through the system's resolver, which does not say which server answered what.
"""

import ipaddress
import secrets
from typing import Final

from msgspec import Struct

TYPES: Final = {"A": 1, "AAAA": 28}
_INTERNET: Final = 1
_RECURSION_DESIRED: Final = 0x0100
_TRUNCATED: Final = 0x0200
_RESPONSE: Final = 0x8000
_CODE: Final = 0x000F
_CODES: Final = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_POINTER: Final = 0xC0
_HEADER: Final = 12


class DnsAnswer(Struct, frozen=True):
    """What a server said: the response code by its name, the addresses, and whether the answer was cut off."""

    code: str
    addresses: tuple[str, ...] = ()
    truncated: bool = False


def query(name: str, kind: str) -> bytes:
    """A query for the addresses of an absolute name. `kind` is A or AAAA."""
    header = secrets.token_bytes(2) + b"".join(each.to_bytes(2, "big") for each in (_RECURSION_DESIRED, 1, 0, 0, 0))
    labels = b"".join(bytes([len(label)]) + label for label in name.encode("ascii").split(b"."))
    return header + labels + b"\0" + TYPES[kind].to_bytes(2, "big") + _INTERNET.to_bytes(2, "big")


def read_answer(raw: bytes, asked: bytes, kind: str) -> DnsAnswer | None:
    """The answer to the query `asked`; None if the bytes are another message or cannot be read."""
    if len(raw) < _HEADER or raw[:2] != asked[:2]:
        return None
    flags, questions, answers = (int.from_bytes(raw[at : at + 2], "big") for at in (2, 4, 6))
    if not flags & _RESPONSE:
        return None
    try:
        found = _addresses(raw, questions, answers, TYPES[kind])
    except (IndexError, ValueError):
        return None
    code = flags & _CODE
    return DnsAnswer(_CODES.get(code, f"response code {code}"), found, bool(flags & _TRUNCATED))


def _addresses(raw: bytes, questions: int, answers: int, wanted: int) -> tuple[str, ...]:
    """The addresses of the wanted type, whatever alias they belong to. Raises IndexError and ValueError."""
    at = _HEADER
    for _ in range(questions):
        at = _after_name(raw, at) + 4
    found = []
    for _ in range(answers):
        at = _after_name(raw, at)
        kind, length = int.from_bytes(raw[at : at + 2], "big"), int.from_bytes(raw[at + 8 : at + 10], "big")
        at += 10
        if at + length > len(raw):
            raise IndexError(at)
        if kind == wanted:
            found.append(str(ipaddress.ip_address(raw[at : at + length])))
        at += length
    return tuple(found)


def _after_name(raw: bytes, at: int) -> int:
    """Where a name ends: after its empty label, or after a pointer. Raises IndexError."""
    while length := raw[at]:
        if length >= _POINTER:
            return at + 2
        at += 1 + length
    return at + 1
