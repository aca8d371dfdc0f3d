"""The state of reading one output: where the reader is, and what it has found."""

from collections.abc import Callable

from ..report import Attempt, Entitlement, LicenseReport, Reading
from ..times import printed
from ..words import value_of


class OutputContext:
    """What earlier lines said.

    `section` is the last heading, in lower case. `licence` and `attempt` are the ones whose keys are being read;
    `licence_keys` are those that the licence already has.
    `row_shapes` are the lengths and beginnings of rows, to tell whether the last one was cut. `failing` counts failures
    in a row by message type, `failing_in_network` those without an answer.
    """

    def __init__(self) -> None:
        self.reading = Reading(LicenseReport())
        self.section = ""
        self.in_proxy = False
        self.licence: Entitlement | None = None
        self.licence_keys: set[str] = set()
        self.attempt: Attempt | None = None
        self.has_policy_heading = False
        self.has_authorization_codes = False
        self.is_disabled = False
        self.in_feature_table = False
        self.row_shapes: set[tuple[int, str, bool]] = set()
        self.clock_is_trusted = True
        self.failing = 0
        self.failing_in_network = 0

    def begin_section(self, name: str) -> None:
        """Note a heading: what the lines before it began has ended."""
        self.section = name
        self.in_proxy = False
        self.licence = None
        self.attempt = None
        self.has_policy_heading |= name == "smart licensing using policy"
        self.has_authorization_codes |= name in ("overall status", "license authorizations")

    def begin_licence(self, licence: Entitlement) -> None:
        """Note a licence whose keys follow."""
        self.section = "license usage"
        self.licence = licence
        self.licence_keys = set()
        self.reading.report.entitlements.append(licence)

    def note_licence_key(self, key: str) -> None:
        """Note a key of the licence. A second one of a name is of another licence, whose heading is missing."""
        if key in self.licence_keys:
            self.licence = None
        self.licence_keys.add(key)


KeyReader = Callable[[OutputContext, str, bool], bool]
"""Reads the value of a key; the flag says that it may have been cut. Returns False if the value has no place."""


def date_key(part: str, name: str) -> KeyReader:
    """A reader that puts a date into a place of the report, unless it already has one."""

    def read(context: OutputContext, value: str, unfinished: bool) -> bool:
        holder = getattr(context.reading.report, part)
        date = printed(value, unfinished)
        if getattr(holder, name) is None:
            setattr(holder, name, date)
        return date is not None or value_of(value) is None or unfinished

    return read
