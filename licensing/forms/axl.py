"""Reads CUCM's answer to AXL's getSmartLicenseStatus.

Only tags and the text in them are read, one after the other: no entity is expanded and no document type is looked at,
so that nothing in an untrusted answer can grow. A truncated answer yields what is whole. Free text that was wrapped is
missing: nothing tells whether a blank stood there.
"""

import html
import re
from collections.abc import Mapping
from typing import Final

from ..report import Attempt, Entitlement, LicenseReport, Reading
from ..times import printed, seconds_in
from ..words import AUTHORIZATION, ENTITLEMENT, EXPORT, REGISTRATION, RESULTS, Vocabulary, value_of
from .udi import parse_udi

_TAG: Final = re.compile(r"<(/?)(?:[\w.-]{1,60}:)?([\w.-]{1,60})[^<>]*>([^<]*)")
_REGISTRATION: Final = Vocabulary(REGISTRATION)
_AUTHORIZATION: Final = Vocabulary(AUTHORIZATION)
_ENTITLEMENT: Final = Vocabulary(ENTITLEMENT)
_EXPORT: Final = Vocabulary(EXPORT)
_RESULTS: Final = Vocabulary(RESULTS)
_SUCCESS: Final = ("successful", "success", "succeeded")
_GROUPS: Final = ("Registration", "Authorization", "Entitlement")


def is_axl(text: str) -> bool:
    """Whether a text is an answer of AXL about licences."""
    return ("<" in text and "getSmartLicenseStatusResponse" in text) or "<LicenseDetails" in text


def read_axl(text: str) -> Reading:
    """Read the answer."""
    registration, authorization, entitlements = _groups(text)
    report = LicenseReport("classic")
    report.registration.status = _REGISTRATION.find_state(registration.get("Status", ""))
    report.registration.smart_account = free_text(registration.get("SmartAccount", ""))
    report.registration.virtual_account = free_text(registration.get("VirtualAccount", ""))
    report.registration.export_controlled = _EXPORT.find(registration.get("ExportControlFunctionality", ""))
    report.registration.last_renewal = _attempt(
        registration, "LastRenewalStatus", "LastRenewalAttempt", "RegistrationFailedReason"
    )
    report.registration.next_renewal = date_of(registration, "NextRenewalAttempt")
    report.registration.expires = date_of(registration, "RegistrationExpires")
    report.product = parse_udi(registration.get("ProductUDI", ""))
    report.authorization.status = _AUTHORIZATION.find_state(authorization.get("Status", ""))
    report.authorization.last_contact = _attempt(
        authorization, "LastCommunicationStatus", "LastCommunicationAttempt", "AuthorizationFailedReason"
    )
    report.authorization.next_contact = date_of(authorization, "NextCommunicationAttempt")
    report.authorization.deadline = date_of(authorization, "AuthorizationExpires")
    if (seconds := seconds_in(authorization.get("EvaluationPeriodRemaining", ""))) is not None:
        report.evaluation.remaining_seconds = seconds
        report.evaluation.in_use = report.authorization.status == "evaluation"
    report.entitlements = [
        Entitlement(None, free_text(each.get("Tag", "")), _count(each), _ENTITLEMENT.find(each.get("Status", "")))
        for each in entitlements
    ]
    attempts = (report.registration.last_renewal, report.authorization.last_contact)
    report.failures = list(dict.fromkeys(each.reason for each in attempts if each is not None and each.reason))
    return Reading(report, form="AXL")


def date_of(values: Mapping[str, str], name: str) -> str | None:
    """The date in an element."""
    return printed(" ".join(values.get(name, "").split()))


def free_text(content: str) -> str | None:
    """The text of an element, or None if it was wrapped."""
    return None if "\n" in content else value_of(content)


def _groups(text: str) -> tuple[dict[str, str], dict[str, str], list[dict[str, str]]]:
    """The values of the registration, of the authorization, and of each entitlement. An element counts once closed."""
    registration: dict[str, str] = {}
    authorization: dict[str, str] = {}
    entitlements: list[dict[str, str]] = []
    group: dict[str, str] = {}
    opened, value = "", ""
    for closing, name, content in _TAG.findall(text):
        if not closing and name in _GROUPS:
            group = {"Registration": registration, "Authorization": authorization}.get(name, {})
            if name == "Entitlement":
                entitlements.append(group)
        elif closing and name in _GROUPS:
            group = {}
        elif closing and name == opened:
            group.setdefault(name, value)
        opened, value = ("", "") if closing else (name, html.unescape(content).strip())
    return registration, authorization, entitlements


def _attempt(values: dict[str, str], status: str, at: str, reason: str) -> Attempt | None:
    """An attempt; its own status counts, else the reason, which is `Successful.` after a success."""
    said = free_text(values.get(reason, ""))
    succeeded = said is not None and said.lower().rstrip(".") in _SUCCESS
    result = _RESULTS.find(values.get(status, ""))
    if result is None and said is not None:
        result = "succeeded" if succeeded else "failed"
    if result is None:
        return None
    return Attempt(result, date_of(values, at), None if succeeded else said)


def _count(entitlement: dict[str, str]) -> int | None:
    count = entitlement.get("Count", "")
    return int(count) if count.isdecimal() and len(count) < 10 else None
