"""Keys of Smart Licensing Using Policy: the policy, reports and acknowledgements, trust, and statistics."""

import re
from collections.abc import Mapping
from typing import Final

from licensegate.language.language import N_

from ..times import printed
from ..words import value_of
from .context import KeyReader, OutputContext, date_key

_DIGIT: Final = re.compile(r"\d")
_DAYS: Final = re.compile(r"(\d{1,4})(?:\s+days?\b|\s*\(|$)", re.IGNORECASE)
_ONGOING: Final = re.compile(r"Overall=(\d{1,9}) Communication=(\d{1,9})")
_WAITING: Final = re.compile(r"Waiting for Ack: (\d{1,9})")
_WHOLE_SENTENCE: Final = "Merged from multiple sources."


def _policy_in_use(context: OutputContext, value: str, unfinished: bool) -> bool:
    if not unfinished or value == _WHOLE_SENTENCE or printed(value, unfinished):
        context.reading.report.policy.in_use = value_of(value)
    return True


def _policy_name(context: OutputContext, value: str, unfinished: bool) -> bool:
    if not unfinished:
        context.reading.report.policy.name = value_of(value)
    return True


def _interval(context: OutputContext, value: str, unfinished: bool) -> bool:
    found = _DAYS.match(value)
    if found is not None and not (unfinished and found.end() == len(value) and "day" not in value.lower()):
        context.reading.report.policy.push_interval_days = int(found[1])
    return found is not None or unfinished


def _trust_code(context: OutputContext, value: str, unfinished: bool) -> bool:
    context.begin_section("trust code installed")
    context.reading.report.policy.trust_code_at = printed(value, unfinished)
    return unfinished or _DIGIT.search(value) is None or printed(value) is not None


def _current_time(context: OutputContext, value: str, unfinished: bool) -> bool:
    context.reading.captured_at = context.reading.captured_at or printed(value, unfinished)
    return True


def _clock(context: OutputContext, value: str, _unfinished: bool) -> bool:
    if value.lower() == "false":
        context.clock_is_trusted = False
        context.reading.notes.append(
            N_("The product's clock is not synchronised by NTP; Cisco accepts an hour at most.")
        )
    return True


def _attempts(context: OutputContext, value: str, _unfinished: bool) -> bool:
    if found := _ONGOING.search(value):
        context.failing += int(found[1])
        context.failing_in_network += int(found[2])
    return True


def _acknowledged(context: OutputContext, value: str, unfinished: bool) -> bool:
    found = _WAITING.search(value)
    if found is not None and not unfinished and int(found[1]):
        context.reading.notes.append(N_("{n} usage reports wait for an acknowledgement of Cisco.").format(n=found[1]))
    return True


def _overall_state(context: OutputContext, value: str, unfinished: bool) -> bool:
    if not unfinished and (state := value_of(value)):
        context.reading.notes.append(N_("The product says of its communication: {state}.").format(state=state))
    return True


POLICY_KEYS: Final[Mapping[str, KeyReader]] = {
    "policy in use": _policy_in_use,
    "policy name": _policy_name,
    "last ack received": date_key("policy", "last_ack"),
    "next ack deadline": date_key("policy", "next_ack_deadline"),
    "reporting push interval": _interval,
    "next report push": date_key("policy", "next_push"),
    "last report push": date_key("policy", "last_push"),
    "trust code installed": _trust_code,
    "current time": _current_time,
    "clock sync-ed with ntp": _clock,
    "attempts": _attempts,
    "total acknowledged received": _acknowledged,
    "overall state": _overall_state,
}
