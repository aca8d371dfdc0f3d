"""Reads the output of `show license …` and its relatives, of the classic and the policy model alike.

A line is a key and its value, a heading, or a row about a licence. Most keys occur in one meaning and are read wherever
they stand; `Status`, `Type`, `URL` and `Count` mean what their last heading says. Indentation counts for nothing.
"""

import re
from collections.abc import Mapping
from typing import Final

from licensegate.language.language import N_

from ..report import Entitlement, Reading
from ..text.lines import PrintedLine
from ..text.vocabulary import ATTRIBUTES, FREE_TEXT, KEYS, OF_LICENCES_HELD, OF_NO_INTEREST, heading_of, split_key
from ..times import printed
from . import entitlements
from .classic_keys import CLASSIC_KEYS, authorization_status, registration_status
from .context import KeyReader, OutputContext
from .policy_keys import POLICY_KEYS
from .product_keys import PRODUCT_KEYS
from .udi import ROLES, parse_member, udi_row

_OF_LICENCES: Final = ATTRIBUTES | {"status", "license", "entitlement tag"}
_TABLE_HEADERS: Final = ("entitlement tag", "slotid", "featurename")
_XR_CLOCK: Final = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d{1,2} \d\d:\d\d:\d\d\.\d{3} [A-Z]{1,7}")
"""What IOS XR prints before every output: a time without a year."""
_SILENT_SENTENCES: Final = (
    "not configured",
    "not supported",
    "<none>",
    "load for ",
    "license reservation is ",
    "not registered. ",
    "no license in use",
    "no licenses in use",
    "no purchase",
    "expired on",
    "valid on",
)

_KEYS: Final[Mapping[str, KeyReader]] = {**CLASSIC_KEYS, **POLICY_KEYS, **PRODUCT_KEYS}


class OutputReader:
    """Reads one output, line by line. `context` has what it found.

    `strays` are the numbers of the lines with neither a place nor a key: they may be parts of the lines beside them.
    """

    def __init__(self) -> None:
        self.context = OutputContext()
        self.strays: list[int] = []

    def read(self, lines: list[PrintedLine]) -> Reading:
        """Read all lines."""
        for number, line in enumerate(lines):
            following = lines[number + 1].text if number + 1 < len(lines) else ""
            if not self._read(line, split_key(following)[0]) and self.context.section not in OF_NO_INTEREST:
                self.context.reading.unread.append(line.text)
                if not split_key(line.text)[0] or (number and split_key(lines[number - 1].text)[0] in FREE_TEXT):
                    self.strays.append(number)
        if not self.context.clock_is_trusted:
            self.context.reading.captured_at = None
        if self.context.failing:
            self.context.reading.fails = "in_network" if self.context.failing_in_network else "answered"
        if self.context.failing_in_network:
            self.context.reading.notes.append(
                N_("Some kinds of messages fail in the network: the other side is not reached.")
            )
        elif self.context.failing:
            self.context.reading.notes.append(
                N_("Some kinds of messages fail, but not in the network: the other side answers.")
            )
        return self.context.reading

    def _read(self, line: PrintedLine, following: str) -> bool:
        """Read one line; `following` is the key of the next one. Returns False if the line has no place."""
        text = line.text
        if following in ATTRIBUTES and (found := entitlements.heading(text, line.headless)) is not None:
            if self.context.section not in OF_LICENCES_HELD:
                self.context.begin_licence(Entitlement(found.name, found.tag))
            return True
        if name := heading_of(text):
            self.context.begin_section(name)
            return True
        key, value = split_key(text)
        if not key:
            return self._read_sentence(line)
        if line.ruled and not value:
            self.context.begin_section(key)
            return False
        if key in _OF_LICENCES:
            self.context.note_licence_key(key)
        if key == "status":
            return self._read_status(value, line.unfinished)
        read = _KEYS.get(key)
        if read is not None:
            return read(self.context, value, line.unfinished)
        if key in ROLES:
            return self._read_member(key, value, line.unfinished)
        return key in KEYS or self._read_row(line)

    def _read_sentence(self, line: PrintedLine) -> bool:
        text, unfinished = line.text, line.unfinished
        report, lower = self.context.reading.report, text.lower()
        if lower.startswith("smart licensing is "):
            self.context.is_disabled |= "disabled" in lower
        elif lower.startswith("evaluation period expired on"):
            report.evaluation.expired_at = printed(text, unfinished)
            return unfinished or report.evaluation.expired_at is not None
        elif lower.startswith("installed on "):
            if self.context.section == "trust code installed" and report.policy.trust_code_at is None:
                report.policy.trust_code_at = printed(text, unfinished)
        elif lower.startswith("time source is "):
            self.context.reading.captured_at = printed(text, unfinished)
        elif lower.startswith("no time source"):
            self.context.clock_is_trusted = False
        elif lower.startswith(_SILENT_SENTENCES) or _XR_CLOCK.fullmatch(text):
            return True
        else:
            return self._read_row(line)
        return True

    def _read_row(self, line: PrintedLine) -> bool:
        text, unfinished = line.text, line.unfinished
        report, lower = self.context.reading.report, text.lower()
        if any(header in lower for header in _TABLE_HEADERS) and "regid" not in lower:
            self.context.in_feature_table = lower.startswith("featurename")
            return True
        if (product := udi_row(text)) is not None:
            if report.product.serial is None:
                report.product = product
            return True
        shape = (len(text), text[:6], " " in text)
        unfinished = unfinished and shape not in self.context.row_shapes  # else it ends where a row like it ends
        found = entitlements.row(text, unfinished) or entitlements.regid_row(text, unfinished)
        if found is None and self.context.in_feature_table and not line.headless:
            found = entitlements.feature_row(text, unfinished)
        if found is None or self.context.section in OF_NO_INTEREST:
            return False
        if self.context.licence is not None and found.count is None:
            return False  # a part of the licence whose keys are being read
        if line.headless:
            found.name = None
        self.context.row_shapes.add(shape)
        report.entitlements.append(found)
        return True

    def _read_member(self, role: str, value: str, unfinished: bool) -> bool:
        member = parse_member(role, value, unfinished)
        members = self.context.reading.report.members
        if member is not None and member not in members:
            members.append(member)
        return member is not None

    def _read_status(self, value: str, unfinished: bool) -> bool:
        if self.context.licence is not None:
            self.context.licence.status = entitlements.STATUS.find(value, unfinished)
            return self.context.licence.status is not None
        if self.context.section == "registration":
            return registration_status(self.context, value, unfinished)
        if self.context.section in ("license authorization", "authorization"):
            return authorization_status(self.context, value, unfinished)
        return True
