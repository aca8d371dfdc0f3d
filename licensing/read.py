"""Reads whatever a product says about its licences: printed output, JSON of its REST API, XML of CUCM's AXL."""

from typing import Final

from .agreement import agreed
from .forms.axl import is_axl, read_axl
from .forms.json_forms import is_json, read_json
from .forms.printed_output import OutputReader
from .forms.slminfo import columns_of, columns_of_rows, read_columns
from .forms.traditional import is_traditional
from .report import LicenseReport, Model, Reading
from .text.clean import PrintedLines, decode, printed_lines
from .text.lines import PrintedLine, joined, mark_neighbours
from .words import CLASSIC_ENTITLEMENTS, POLICY_ENTITLEMENTS

_MOST_UNREAD: Final = 1000


def read(data: bytes) -> Reading:
    """Read one output. Raises UnreadableTextError if it is too large, or JSON about something else."""
    printed = printed_lines(decode(data))
    text = "\n".join(line.text for line in printed.lines).strip()
    if is_json(text[:200]):
        return read_json(text)
    if is_axl(text):
        return read_axl(text)
    lines = [line.text for line in printed.lines if line.text.strip()]
    columns = columns_of_rows(text) or columns_of(lines, printed.unfinished)
    if columns is not None:
        return read_columns(columns)
    return _read_output(printed)


def _read_output(printed: PrintedLines) -> Reading:
    lines = joined(printed)
    if is_traditional(lines.lines):
        return Reading(LicenseReport("traditional"))
    reading = _read_lines(lines.lines)
    if lines.otherwise is not None:
        reading.report = agreed(reading.report, _read_lines(lines.otherwise).report)
    return reading


def _read_lines(lines: list[PrintedLine]) -> Reading:
    """Read the lines of one text. A line beside one without a place may be a part of it, and is read again as such."""
    reader = OutputReader()
    reading = reader.read(lines)
    if mark_neighbours(lines, reader.strays):
        reader = OutputReader()
        reading = reader.read(lines)
    report = reading.report
    if reader.context.is_disabled:
        report.model = "traditional"
    else:
        report.model = _model(report, reader)
    _take_status_of_rows(report)
    del reading.unread[_MOST_UNREAD:]
    return reading


def _model(report: LicenseReport, reader: OutputReader) -> Model | None:
    """Tell the model by what only one of them prints."""
    statuses = {each.status for each in report.entitlements}
    policy = report.policy
    if reader.context.has_policy_heading or policy.in_use or policy.push_interval_days is not None or policy.last_ack:
        return "policy"
    if report.authorization.status == "not_applicable" or statuses & POLICY_ENTITLEMENTS:
        return "policy"
    if report.registration.status or report.authorization.status or statuses & CLASSIC_ENTITLEMENTS:
        return "classic"
    if report.authorization.deadline or report.registration.next_renewal or report.evaluation.remaining_seconds:
        return "classic"
    if any(each.tag and each.tag.startswith("regid.") for each in report.entitlements):
        return "classic"
    return "policy" if reader.context.has_authorization_codes else None


def _take_status_of_rows(report: LicenseReport) -> None:
    """AsyncOS prints the product's state in each row: take it if all rows agree."""
    rows = report.entitlements
    if report.authorization.status is not None or any(each.tag is not None for each in rows):
        return
    if {each.status for each in rows} == {"evaluation"}:
        report.authorization.status = "evaluation"
