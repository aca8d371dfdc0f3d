"""The UDI, a product's unique device identifier: `PID:UCM,SN:10001,UUID:…`, with or without commas."""

import re
from typing import Final

from ..report import LicensedProduct, StackMember
from ..words import value_of

_LABEL: Final = re.compile(r"(PID|SN|UUID|HOSTID|VID|(?<![A-Za-z])[PSU]):", re.IGNORECASE)
_NAMES: Final = {"P": "PID", "S": "SN", "U": "UUID"}
_WHOLE_SERIAL: Final = re.compile(r"[A-Z0-9]{11}")
_WHOLE_UUID: Final = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ROLES: Final = ("active", "standby", "member")


def parse_udi(text: str, unfinished: bool = False) -> LicensedProduct:
    """Read a UDI. The last value of an unfinished one counts only if it has the length of a whole one."""
    parts = _LABEL.split(text)
    values: dict[str, str | None] = {}
    for label, value in zip(parts[1::2], parts[2::2], strict=True):
        found = value_of(value.strip(" ,;"))
        values.setdefault(_NAMES.get(label.upper(), label.upper()), None if found is None or " " in found else found)
    product = LicensedProduct(values.get("PID"), values.get("SN"), values.get("UUID"))
    if unfinished:
        last = _NAMES.get(parts[-2].upper(), parts[-2].upper()) if len(parts) > 1 else ""
        if last == "PID":
            product.pid = None
        if last == "SN" and not ("," in text and _WHOLE_SERIAL.fullmatch(product.serial or "")):
            product.serial = None
        if last == "UUID" and not _WHOLE_UUID.fullmatch(product.uuid or ""):
            product.uuid = None
    return product


def parse_member(role: str, text: str, unfinished: bool = False) -> StackMember | None:
    """Read `Active: PID:…,SN:…`; None if the value is no UDI."""
    product = parse_udi(text, unfinished)
    if product.pid is None or product.serial is None:
        return None
    return StackMember(role, product.pid, product.serial)


def udi_row(text: str) -> LicensedProduct | None:
    """Read a row of IOS' table, `* ASR1006 SERIAL ASR1006:SERIAL`: its last column repeats the two before it."""
    columns = text.split()
    if len(columns) < 3 or columns[-1] != f"{columns[-3]}:{columns[-2]}":
        return None
    return LicensedProduct(columns[-3], columns[-2])
