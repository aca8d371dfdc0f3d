"""The keys and headings that products print, in lower case: a line that begins with one begins something.

Keys of `READ` and `BY_SECTION` have a place in the report. `SILENT` keys are known and have none.
"""

import re
from typing import Final

from ..times import ZONES
from ..words import AUTHORIZATION, ENTITLEMENT, REGISTRATION, RESULTS

READ: Final = frozenset(
    """
    agent version|smart agent for licensing|udi|product udi|smart account|virtual account|
    export-controlled functionality|initial registration|last renewal attempt|next renewal attempt|registration expires|
    last communication attempt|next communication attempt|communication deadline|evaluation mode|transport type|
    evaluation period remaining|failure reason|license authorization status|policy in use|policy name|
    last ack received|next ack deadline|reporting push interval|next report push|last report push|
    trust code installed|cslu address|current time|overall state|clock sync-ed with ntp|handle|entitlement tag|
    active|standby|member|registration status|last registration renewal attempt status|
    last authorization renewal attempt status|authorization expires on|transport settings
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
BY_SECTION: Final = frozenset(["status", "type", "mode", "url", "proxy", "address", "port", "count", "license"])
SILENT: Final = frozenset(
    """
    sending hostname|callhome hostname privacy|smart licensing hostname privacy|version privacy|username|password|vrf|
    server identity check|ip mode|trust point|custom id|reporting ack required|first report requirement (days)|
    reporting frequency (days)|report on change (days)|unenforced/non-export perpetual attributes|
    unenforced/non-export subscription attributes|enforced (perpetual/subscription) license attributes|
    export (perpetual/subscription) license attributes|next ack push check|last report file write|reporting mode|
    automatic conversion enabled|last data push|last file export|features authorized|description|version|
    export status|feature name|feature description|enforcement type|license type|status time|request time|measurements|
    entitlement|interval|current value|current report|soft enforced|license reservation|reservation status|request code|
    last return code|last confirmation code|reservation authorization code|attempts|last response|last success time|
    last failure time|communication level allowed|production cert|total|total acknowledged received|
    available to report|maximum display|report module status|data channel|reports on disk|device telemetry|
    total current telemetry reports|product analytics|not available reason|total current product analytics reports|
    trust code type|attributes|product instance name|all|*s show|next registration attempt|purge reports|
    authorization renewal|daily|ongoing reporting frequency (days)|on change reporting (days)|
    unenforced/non-export|enforced (perpetual/subscription)|load for five secs|component versions|reservation|
    total reserved count|total available count|term information|term count|start date|end date|authorization type|
    subscription id
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
HEADINGS: Final = frozenset(
    """
    smart licensing status|smart software licensing status|
    smart licensing tech support info|registration|license authorization|authorization|
    evaluation period|export authorization key|utility|data privacy|transport|transport configuration|license usage|
    product information|agent version|reservation info|license conversion|smart licensing using policy|
    account information|policy|miscellaneous|usage reporting|license authorizations|overall status|
    purchased licenses|usage report summary|device telemetry report summary|telemetry report summary|
    product analytics report summary|device enforcement state|ha udi list|upcoming scheduled jobs|
    communication statistics|trust establishment|trust acknowledgement|result polling|authorization request|
    authorization confirmation|authorization return|trust sync|hello message|telemetry reporting|license certificates|
    ha info|other info|platform provided mapping table|enforced licenses|specified license reservations|
    trust code installed|product instance|license usage report|reporting status|authorizations|miscellaneus
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
OF_NO_INTEREST: Final = frozenset(
    """
    export authorization key|utility|data privacy|miscellaneous|miscellaneus|authorizations|
    upcoming scheduled jobs|license certificates|ha info|
    other info|platform provided mapping table|enforced licenses|purchased licenses|specified license reservations|
    device enforcement state|usage report summary|device telemetry report summary|telemetry report summary|
    product analytics report summary|license conversion|reservation info|product instance
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
"""Sections without anything for the report: their other lines are not listed as unread."""

OF_LICENCES_HELD: Final = frozenset(["authorizations", "purchased licenses", "specified license reservations"])
"""Sections that list what is bought, authorized or reserved: licences there may not be in use."""

KEYS: Final = READ | BY_SECTION | SILENT
ATTRIBUTES: Final = frozenset(["description", "count", "version"])
"""The keys below the heading of a licence."""

FREE_TEXT: Final = frozenset(["failure reason"])
"""Keys whose value may contain anything, another key included."""

WORDS: Final = frozenset(
    word for phrases in (KEYS, HEADINGS, REGISTRATION, AUTHORIZATION, ENTITLEMENT, RESULTS, ZONES)
    for phrase in phrases for word in phrase.lower().split()
)  # fmt: skip
"""Words that products print, to tell a word that was cut in two from two words."""

RULER: Final = re.compile(r"[-=_*─]{3,}")
SENTENCES: Final = re.compile(
    r"(?:smart licensing|license reservation) is (?:enabled|disabled)|no licenses? in use"
    r"|not (?:configured|supported)|<none>"
    r"|(?:evaluation period expired|installed|expired|valid) on |no purchase information|not registered\. "
    r"|time source is |no time source|load for five secs",
    re.IGNORECASE,
)
_KEY: Final = re.compile(r"([A-Za-z*][\w ./()#+'\-*]{0,70}?) ?:(?=\s|:|$|[Pp](?:[Ii][Dd])?:|https?:)")
_GUID_TAG: Final = re.compile(r"\(?(?:[^:(]{0,80}\s)?(?:[0-9a-fA-F-]{36})?regid\.")


def split_key(text: str) -> tuple[str, str]:
    """Split `Key: value` into the key, in lower case with single blanks, and the value; ("", text) without a key."""
    if SENTENCES.match(text) and not text.lower().startswith("load for"):
        return "", text
    found = _KEY.match(text)
    if found is None:
        return "", text
    return " ".join(found[1].lower().split()), text[found.end() :].strip()


def heading_of(text: str) -> str:
    """The name of the known heading that this line is, or an empty text."""
    name = " ".join(text.rstrip(" :").lower().split())
    return name if name in HEADINGS else ""


def may_begin(text: str) -> bool:
    """Whether a line that may have been cut is the beginning of a known key or heading."""
    lower = text.lower()
    return any(name.startswith(lower) for name in KEYS | HEADINGS)


def is_named(text: str) -> bool:
    """Whether a line is a known heading or sentence, or has a known key."""
    return split_key(text)[0] in KEYS or bool(heading_of(text)) or SENTENCES.match(text) is not None


def begins(text: str, after_free_text: bool) -> bool:
    """Whether a line begins something, rather than continuing the line before it."""
    key, _ = split_key(text)
    if is_named(text):
        return True
    return not after_free_text and (bool(key) or _GUID_TAG.match(text) is not None or ends_row(text))


def ends_row(text: str) -> bool:
    """Whether a line is a heading or a row about a licence: `name (tag)`, `name (tag):`, `name (tag) 2 IN USE`."""
    head, closed, rest = text.rpartition(")")
    if not closed or "(" not in head:
        return False
    return rest.strip() in ("", ":") or rest.lstrip()[:1].isdigit()
