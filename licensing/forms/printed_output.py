"""Reads the output of `show license …` and its relatives, of the classic and the policy model alike.

A line is a key and its value, a heading, or a row about a licence. Most keys occur in one meaning and are read wherever
they stand; `Status`, `Type`, `URL` and `Count` mean what their last heading says. Indentation counts for nothing.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from ..report import Attempt, ConfiguredProxy, Entitlement, LicenseReport, Reading
from ..text.lines import PrintedLine
from ..text.vocabulary import ATTRIBUTES, KEYS, OF_NO_INTEREST, heading_of, split_key
from ..times import printed, seconds_in
from ..words import (
    AUTHORIZATION,
    EVALUATION_MODE,
    EXPORT,
    REGISTRATION,
    RESULTS,
    TRANSPORT,
    Vocabulary,
    value_of,
)
from . import entitlements
from .udi import ROLES, parse_member, parse_udi, udi_row

_REGISTRATION: Final = Vocabulary(REGISTRATION)
_AUTHORIZATION: Final = Vocabulary(AUTHORIZATION)
_RESULTS: Final = Vocabulary(RESULTS)
_TRANSPORT: Final = Vocabulary(TRANSPORT)
_EXPORT: Final = Vocabulary(EXPORT)
_EVALUATION_MODE: Final = Vocabulary(EVALUATION_MODE)

_DAYS: Final = re.compile(r"(\d{1,4})(?:\s+days?\b|\s*\(|$)")
_WHOLE_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:\.\d+)?(?:_rel/\d{2,3}|_\w+/[0-9a-f]{9}|/[0-9a-f]{8})")
_WHOLE_JAVA_VERSION: Final = re.compile(r"\d\.\d\.\d")
_WHOLE_URL: Final = re.compile(
    r"https?://.*(?:DDCEService|/licservice/license|SmartTransport|DeviceRequestHandler|/cslu/v1/pi)"
)
_ONGOING: Final = re.compile(r"Overall=(\d{1,9}) Communication=(\d{1,9})")
_WAITING: Final = re.compile(r"Waiting for Ack: (\d{1,9})")
_WHOLE_SENTENCE: Final = "Merged from multiple sources."
_TRANSPORTS: Final = ("transport", "transport configuration")
_TABLE_HEADERS: Final = ("entitlement tag", "slotid", "featurename")
_SILENT_SENTENCES: Final = (
    "not configured",
    "not supported",
    "<none>",
    "load for ",
    "not registered. ",
    "no license in use",
    "no licenses in use",
    "no purchase",
    "expired on",
    "valid on",
)


class OutputReader:
    """Reads one output, line by line. `reading` is what it found."""

    def __init__(self) -> None:
        self.reading = Reading(LicenseReport())
        self.has_policy_heading = False
        self.has_authorization_codes = False
        self.is_disabled = False
        self._section = ""
        self._in_proxy = False
        self._licence: Entitlement | None = None
        self._attempt: Attempt | None = None
        self._in_feature_table = False
        self._row_shapes: set[tuple[int, str, bool]] = set()
        self._proxy_address: str | None = None
        self._clock_is_trusted = True
        self._failing = 0
        self._failing_in_network = 0

    def read(self, lines: list[PrintedLine]) -> Reading:
        """Read all lines."""
        for number, line in enumerate(lines):
            following = lines[number + 1].text if number + 1 < len(lines) else ""
            if not self._read(line, split_key(following)[0]) and self._section not in OF_NO_INTEREST:
                self.reading.unread.append(line.text)
        if not self._clock_is_trusted:
            self.reading.captured_at = None
        if self._failing_in_network:
            self.reading.notes.append("Some kinds of messages fail in the network: the other side is not reached.")
        elif self._failing:
            self.reading.notes.append("Some kinds of messages fail, but not in the network: the other side answers.")
        return self.reading

    def _read(self, line: PrintedLine, following: str) -> bool:
        """Read one line; `following` is the key of the next one. Returns False if the line has no place."""
        text = line.text
        if following in ATTRIBUTES and (found := entitlements.heading(text)) is not None:
            self._begin_licence(Entitlement(found.name, found.tag))
            return True
        if name := heading_of(text):
            self._begin_section(name)
            return True
        key, value = split_key(text)
        if not key:
            return self._read_sentence(text, line.unfinished)
        if line.ruled and not value:
            self._begin_section(key)
            return False
        read = _READERS.get(key)
        if read is not None:
            return read(self, value, line.unfinished)
        if key in ROLES:
            return self._read_member(key, value, line.unfinished)
        return key in KEYS or self._read_row(text, line.unfinished)

    def _begin_section(self, name: str) -> None:
        self._section = name
        self._in_proxy = False
        self._licence = None
        self._attempt = None
        self.has_policy_heading |= name == "smart licensing using policy"
        self.has_authorization_codes |= name in ("overall status", "license authorizations")

    def _begin_licence(self, licence: Entitlement) -> None:
        self._section = "license usage"
        self._licence = licence
        self.reading.report.entitlements.append(licence)

    # Lines without a key.

    def _read_sentence(self, text: str, unfinished: bool) -> bool:
        report, lower = self.reading.report, text.lower()
        if lower.startswith("smart licensing is "):
            self.is_disabled |= "disabled" in lower
        elif lower.startswith("evaluation period expired on"):
            report.evaluation.expired_at = printed(text, unfinished)
        elif lower.startswith("installed on "):
            if self._section == "trust code installed" and report.policy.trust_code_at is None:
                report.policy.trust_code_at = printed(text, unfinished)
        elif lower.startswith("time source is "):
            self.reading.captured_at = printed(text, unfinished)
        elif lower.startswith("no time source"):
            self._clock_is_trusted = False
        elif lower.startswith(_SILENT_SENTENCES):
            return True
        else:
            return self._read_row(text, unfinished)
        return True

    def _read_row(self, text: str, unfinished: bool) -> bool:
        report, lower = self.reading.report, text.lower()
        if any(header in lower for header in _TABLE_HEADERS) and "regid" not in lower:
            self._in_feature_table = lower.startswith("featurename")
            return True
        if (product := udi_row(text)) is not None:
            if report.product.serial is None:
                report.product = product
            return True
        shape = (len(text), text[:6], " " in text)
        unfinished = unfinished and shape not in self._row_shapes  # else it ends where a row like it ends
        found = entitlements.row(text, unfinished) or entitlements.regid_row(text, unfinished)
        if found is None and self._in_feature_table:
            found = entitlements.feature_row(text, unfinished)
        if found is None or self._section in OF_NO_INTEREST:
            return False
        self._row_shapes.add(shape)
        report.entitlements.append(found)
        return True

    def _read_member(self, role: str, value: str, unfinished: bool) -> bool:
        member = parse_member(role, value, unfinished)
        members = self.reading.report.members
        if member is not None and member not in members:
            members.append(member)
        return member is not None

    # Keys whose meaning depends on their heading.

    def _read_status(self, value: str, unfinished: bool) -> bool:
        if self._licence is not None:
            self._licence.status = entitlements.STATUS.find(value, unfinished)
            return self._licence.status is not None
        if self._section == "registration":
            return self._read_registration_status(value, unfinished)
        if self._section in ("license authorization", "authorization"):
            return self._read_authorization_status(value, unfinished)
        return True

    def _read_registration_status(self, value: str, unfinished: bool) -> bool:
        registration = self.reading.report.registration
        if registration.status is None:
            registration.status = _REGISTRATION.find_state(value, unfinished)
        return registration.status is not None

    def _read_authorization_status(self, value: str, unfinished: bool) -> bool:
        report = self.reading.report
        if report.authorization.status is None:
            report.authorization.status = _AUTHORIZATION.find_state(value, unfinished)
            report.authorization.at = printed(value, unfinished)
            if report.authorization.status == "evaluation_expired" and report.evaluation.expired_at is None:
                report.evaluation.expired_at = report.authorization.at
        return report.authorization.status is not None

    def _read_type(self, value: str, unfinished: bool) -> bool:
        transport = self.reading.report.transport
        if self._section in _TRANSPORTS and transport.type is None:
            transport.type = _TRANSPORT.find(value, unfinished)
            return transport.type is not None
        return True

    def _read_url(self, value: str, unfinished: bool) -> bool:
        url = value_of(value)
        if url and unfinished and not _WHOLE_URL.fullmatch(url):
            url = None
        if self._section in _TRANSPORTS and self.reading.report.transport.url is None:
            self.reading.report.transport.url = url
        return True

    def _read_proxy(self, value: str, unfinished: bool) -> bool:
        self._in_proxy = self._section in _TRANSPORTS
        address, colon, port = value.rpartition(":")
        if self._in_proxy and colon and port.isdecimal() and len(port) <= 5 and not unfinished:
            self.reading.report.proxy = ConfiguredProxy(address, int(port))
        return True

    def _read_address(self, value: str, unfinished: bool) -> bool:
        if self._in_proxy and self.reading.report.proxy is None and not unfinished and (address := value_of(value)):
            self.reading.report.proxy = ConfiguredProxy(address)
        return True

    def _read_port(self, value: str, unfinished: bool) -> bool:
        proxy = self.reading.report.proxy
        if self._in_proxy and proxy is not None and not unfinished and value.isdecimal() and len(value) <= 5:
            proxy.port = int(value)
        return True

    def _read_count(self, value: str, unfinished: bool) -> bool:
        if self._licence is not None and not unfinished and value.isdecimal() and len(value) <= 9:
            self._licence.count = int(value)
        return True

    def _read_licence_name(self, value: str, unfinished: bool) -> bool:
        if self._licence is not None and not unfinished:
            self._licence.name = value_of(value)
        return True

    def _read_handle(self, _value: str, _unfinished: bool) -> bool:
        self._begin_licence(Entitlement())
        return True

    def _read_tag(self, value: str, unfinished: bool) -> bool:
        if self._licence is not None and not unfinished:
            self._licence.tag = value_of(value)
        return self._licence is not None

    # Keys of one meaning.

    def _read_smart_account(self, value: str, unfinished: bool) -> bool:
        account, as_of, _ = value.partition(" As of ")
        if self.reading.report.registration.smart_account is None and (as_of or not unfinished):
            self.reading.report.registration.smart_account = value_of(account)
        return True

    def _read_virtual_account(self, value: str, unfinished: bool) -> bool:
        account, as_of, _ = value.partition(" As of ")
        if self.reading.report.registration.virtual_account is None and (as_of or not unfinished):
            self.reading.report.registration.virtual_account = value_of(account)
        return True

    def _read_export(self, value: str, unfinished: bool) -> bool:
        registration = self.reading.report.registration
        if registration.export_controlled is None:
            registration.export_controlled = _EXPORT.find(value, unfinished)
        return True

    def _read_initial(self, value: str, unfinished: bool) -> bool:
        registration = self.reading.report.registration
        registration.initial = registration.initial or self._begin_attempt(value, unfinished)
        return registration.initial is not None

    def _read_last_renewal(self, value: str, unfinished: bool) -> bool:
        registration = self.reading.report.registration
        registration.last_renewal = registration.last_renewal or self._begin_attempt(value, unfinished)
        return registration.last_renewal is not None

    def _read_last_contact(self, value: str, unfinished: bool) -> bool:
        authorization = self.reading.report.authorization
        authorization.last_contact = authorization.last_contact or self._begin_attempt(value, unfinished)
        return authorization.last_contact is not None

    def _begin_attempt(self, value: str, unfinished: bool) -> Attempt | None:
        word, _, _ = value.partition(" on ")
        result = _RESULTS.find(word, unfinished)
        self._attempt = None if result is None else Attempt(result, printed(value, unfinished))
        return self._attempt

    def _read_failure(self, value: str, unfinished: bool) -> bool:
        reason = None if unfinished else value_of(value)
        if reason is None:
            return True
        if self._attempt is not None and self._attempt.reason is None:
            self._attempt.reason = reason
        if reason not in self.reading.report.failures:
            self.reading.report.failures.append(reason)
        return True

    def _read_evaluation_mode(self, value: str, unfinished: bool) -> bool:
        self.reading.report.evaluation.in_use = _EVALUATION_MODE.find(value, unfinished)
        return True

    def _read_remaining(self, value: str, unfinished: bool) -> bool:
        evaluation = self.reading.report.evaluation
        seconds = seconds_in(value, unfinished)
        if seconds is not None:
            evaluation.remaining_seconds = seconds
            evaluation.in_use = True if evaluation.in_use is None else evaluation.in_use
        return seconds is not None or unfinished

    def _read_usage_status(self, value: str, unfinished: bool) -> bool:
        self._licence = None
        return self._read_authorization_status(value, unfinished)

    def _read_udi(self, value: str, unfinished: bool) -> bool:
        product = parse_udi(value, unfinished)
        if self.reading.report.product.pid is None:
            self.reading.report.product = product
        return True

    def _read_agent_version(self, value: str, unfinished: bool) -> bool:
        report = self.reading.report
        is_java = report.product.uuid is not None  # its versions end with the third number, those of IOS and ASA do not
        whole = _WHOLE_JAVA_VERSION if is_java else _WHOLE_VERSION
        if report.agent_version is None and (not unfinished or whole.fullmatch(value)):
            report.agent_version = value_of(value)
        return True

    def _read_policy_in_use(self, value: str, unfinished: bool) -> bool:
        if not unfinished or value == _WHOLE_SENTENCE or printed(value, unfinished):
            self.reading.report.policy.in_use = value_of(value)
        return True

    def _read_policy_name(self, value: str, unfinished: bool) -> bool:
        if not unfinished:
            self.reading.report.policy.name = value_of(value)
        return True

    def _read_interval(self, value: str, unfinished: bool) -> bool:
        found = _DAYS.match(value)
        if found is not None and not (unfinished and found.end() == len(value) and "day" not in value):
            self.reading.report.policy.push_interval_days = int(found[1])
        return found is not None or unfinished

    def _read_trust_code(self, value: str, unfinished: bool) -> bool:
        self._begin_section("trust code installed")
        self.reading.report.policy.trust_code_at = printed(value, unfinished)
        return True

    def _read_current_time(self, value: str, unfinished: bool) -> bool:
        self.reading.captured_at = self.reading.captured_at or printed(value, unfinished)
        return True

    def _read_clock(self, value: str, _unfinished: bool) -> bool:
        if value.lower() == "false":
            self._clock_is_trusted = False
            self.reading.notes.append("The product's clock is not synchronised by NTP; Cisco accepts an hour at most.")
        return True

    def _read_attempts(self, value: str, _unfinished: bool) -> bool:
        if found := _ONGOING.search(value):
            self._failing += int(found[1])
            self._failing_in_network += int(found[2])
        return True

    def _read_acknowledged(self, value: str, unfinished: bool) -> bool:
        found = _WAITING.search(value)
        if found is not None and not unfinished and int(found[1]):
            self.reading.notes.append(f"{found[1]} usage reports wait for an acknowledgement of Cisco.")
        return True

    def _read_overall_state(self, value: str, unfinished: bool) -> bool:
        if not unfinished and (state := value_of(value)):
            self.reading.notes.append(f"The product says of its communication: {state}.")
        return True


_Reader = Callable[[OutputReader, str, bool], bool]


def _date(part: str, name: str) -> _Reader:
    """A reader that puts a date into a place of the report, unless it already has one."""

    def read(reader: OutputReader, value: str, unfinished: bool) -> bool:
        holder = getattr(reader.reading.report, part)
        date = printed(value, unfinished)
        if getattr(holder, name) is None:
            setattr(holder, name, date)
        return date is not None or value_of(value) is None or unfinished

    return read


_READERS: Final[Mapping[str, _Reader]] = {
    "status": OutputReader._read_status,
    "type": OutputReader._read_type,
    "url": OutputReader._read_url,
    "cslu address": OutputReader._read_url,
    "proxy": OutputReader._read_proxy,
    "address": OutputReader._read_address,
    "port": OutputReader._read_port,
    "count": OutputReader._read_count,
    "license": OutputReader._read_licence_name,
    "handle": OutputReader._read_handle,
    "entitlement tag": OutputReader._read_tag,
    "smart account": OutputReader._read_smart_account,
    "virtual account": OutputReader._read_virtual_account,
    "export-controlled functionality": OutputReader._read_export,
    "initial registration": OutputReader._read_initial,
    "last renewal attempt": OutputReader._read_last_renewal,
    "next renewal attempt": _date("registration", "next_renewal"),
    "registration expires": _date("registration", "expires"),
    "last communication attempt": OutputReader._read_last_contact,
    "next communication attempt": _date("authorization", "next_contact"),
    "communication deadline": _date("authorization", "deadline"),
    "failure reason": OutputReader._read_failure,
    "evaluation mode": OutputReader._read_evaluation_mode,
    "evaluation period remaining": OutputReader._read_remaining,
    "license authorization status": OutputReader._read_usage_status,
    "udi": OutputReader._read_udi,
    "product udi": OutputReader._read_udi,
    "smart agent for licensing": OutputReader._read_agent_version,
    "policy in use": OutputReader._read_policy_in_use,
    "policy name": OutputReader._read_policy_name,
    "last ack received": _date("policy", "last_ack"),
    "next ack deadline": _date("policy", "next_ack_deadline"),
    "reporting push interval": OutputReader._read_interval,
    "next report push": _date("policy", "next_push"),
    "last report push": _date("policy", "last_push"),
    "trust code installed": OutputReader._read_trust_code,
    "current time": OutputReader._read_current_time,
    "clock sync-ed with ntp": OutputReader._read_clock,
    "attempts": OutputReader._read_attempts,
    "total acknowledged received": OutputReader._read_acknowledged,
    "overall state": OutputReader._read_overall_state,
}
