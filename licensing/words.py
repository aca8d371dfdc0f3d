"""The words that products print for their states, and our values for them.

A word that is not in a table is not a state: it yields None, never a guess. Words are compared without case, blanks,
hyphens and underscores, so that `OutOfCompliance`, `OUT OF COMPLIANCE` and `out_of_compliance` are one.
"""

import re
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from .report import Result

REGISTRATION: Final = {
    "unregistered": "unregistered",
    "unidentified": "unregistered",
    "not registered": "unregistered",
    "evaluation": "unregistered",
    "registered": "registered",
    "registering": "unregistered",
    "registering registration in progress": "unregistered",
    "completed": "registered",
    "registration completed": "registered",
    "registration expired": "registration_expired",
    "expired": "registration_expired",
    "unregistered registration expired": "registration_expired",
    "registered specific license reservation": "reserved",
    "registered universal license reservation": "reserved",
    "registered permanent license reservation": "reserved",
    "registered slr": "reserved",
    "registered plr": "reserved",
    "reservation in progress": "reservation_in_progress",
    "unregistered reservation in progress": "reservation_in_progress",
}
AUTHORIZATION: Final = {
    "no licenses in use": "no_licenses_in_use",
    "no license in use": "no_licenses_in_use",
    "eval": "evaluation",
    "eval mode": "evaluation",
    "evaluation": "evaluation",
    "evaluation mode": "evaluation",
    "eval expired": "evaluation_expired",
    "evaluation expired": "evaluation_expired",
    "evaluation period expired": "evaluation_expired",
    "authorized": "authorized",
    "in compliance": "authorized",
    "out of compliance": "out_of_compliance",
    "ooc": "out_of_compliance",
    "authorization expired": "authorization_expired",
    "auth expired": "authorization_expired",
    "authorized reserved": "reserved",
    "reserved": "reserved",
    "reserved in compliance": "reserved",
    "not authorized": "not_authorized",
    "not authorized reserved": "not_authorized",
    "unauthorized": "not_authorized",
    "waiting": "waiting",
    "not applicable": "not_applicable",
}
ENTITLEMENT: Final = {
    "in compliance": "in_compliance",
    "authorized": "authorized",
    "in use": "in_use",
    "reserved in compliance": "reserved_in_compliance",
    "authorized reserved": "reserved",
    "reserved": "reserved",
    "init": "init",
    "not in use": "not_in_use",
    "no license in use": "no_licenses_in_use",
    "no licenses in use": "no_licenses_in_use",
    "eval": "evaluation",
    "eval mode": "evaluation",
    "evaluation": "evaluation",
    "evaluation mode": "evaluation",
    "evaluation state": "evaluation",
    "out of compliance": "out_of_compliance",
    "invalid": "invalid",
    "invalid tag": "invalid_tag",
    "not authorized": "not_authorized",
    "authorization expired": "authorization_expired",
    "eval expired": "evaluation_expired",
    "evaluation expired": "evaluation_expired",
    "evaluation period expired": "evaluation_expired",
    "disabled": "disabled",
    "waiting": "waiting",
    "not applicable": "not_applicable",
}
CLASSIC_ENTITLEMENTS: Final = {
    "in_compliance", "authorized", "init", "evaluation", "out_of_compliance", "invalid", "invalid_tag",
    "not_authorized", "authorization_expired", "evaluation_expired", "waiting", "reserved", "reserved_in_compliance",
}  # fmt: skip
POLICY_ENTITLEMENTS: Final = {"in_use", "not_in_use"}
TRANSPORT: Final = {
    "callhome": "callhome",
    "transport callhome": "callhome",
    "smart": "smart",
    "smart transport": "smart",
    "transport smart": "smart",
    "cslu": "cslu",
    "gateway": "gateway",
    "transport gateway": "gateway",
    "off": "off",
    "transport off": "off",
}
RESULTS: Final[Mapping[str, Result]] = {
    "succeeded": "succeeded",
    "success": "succeeded",
    "successful": "succeeded",
    "failed": "failed",
    "failure": "failed",
    "none": "none",
    "pending": "pending",
    "first attempt pending": "pending",
}
EXPORT: Final = {"allowed": True, "not allowed": False}
EVALUATION_MODE: Final = {"in use": True, "not in use": False}

_ON: Final = re.compile(r"\s+on\s+|\s+as\s+of\s+|\s+-\s+on\s+", re.IGNORECASE)
_NOTHING: Final = {"", "none", "never", "<none>", "<empty>", "null", "n/a", "-", "deadline exceeded"}
_SQUEEZED: Final = re.compile(r"[\s_-]+")
_CODE: Final = re.compile(r"\(\d{1,4}\)$")


def squeezed(word: str) -> str:
    """A word without case, blanks, hyphens and underscores, and without the number that tech support puts behind."""
    return _SQUEEZED.sub("", _CODE.sub("", word.strip()).lower().rstrip("."))


def before_date(text: str) -> tuple[str, bool]:
    """What stands before ` on DATE` or ` as of DATE`, and whether there was one."""
    parts = _ON.split(text, maxsplit=1)
    return parts[0], len(parts) > 1


def value_of(text: str) -> str | None:
    """A printed value with single blanks; None for `None`, `<none>`, `<empty>` and the like."""
    value = " ".join(text.split())
    return None if value.lower() in _NOTHING else value


Value = TypeVar("Value")


class Vocabulary(Generic[Value]):
    """A table of words, looked up as `squeezed` writes them."""

    def __init__(self, words: Mapping[str, Value]) -> None:
        self._words = {squeezed(word): value for word, value in words.items()}

    def __contains__(self, word: str) -> bool:
        return squeezed(word) in self._words

    def find(self, word: str, unfinished: bool = False) -> Value | None:
        """The value of a word, or None.

        An unfinished word may be the beginning of a longer one: it counts only if no longer one means something else.
        """
        key = squeezed(word)
        value = self._words.get(key)
        if value is None or not unfinished:
            return value
        return value if all(other == value for name, other in self._words.items() if name.startswith(key)) else None

    def find_state(self, text: str, unfinished: bool = False) -> Value | None:
        """The value of a state such as `REGISTERED - SPECIFIC LICENSE RESERVATION on DATE`: whole, or up to a dash."""
        state, is_dated = before_date(text)
        cut = unfinished and not is_dated
        if (value := self.find(state, cut)) is not None or cut:
            return value
        return self.find(state.partition(" - ")[0])
