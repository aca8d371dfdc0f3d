"""Reads each output in a text: printed output, JSON of a REST API, XML of CUCM's AXL. `read` is the way in."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import structs

from .agreement import agreed, completed, is_empty
from .forms.axl import is_axl, read_axl
from .forms.json_forms import is_json, printed_in, read_json
from .forms.printed_output import OutputReader
from .forms.slminfo import columns_of, columns_of_rows, is_rows, read_columns
from .forms.traditional import is_traditional
from .report import LicenseReport, Model, Reading
from .text.clean import PrintedLines, printed_outputs
from .text.decode import UnreadableTextError, decode
from .text.decoration import without_markup
from .text.lines import PrintedLine, joined, mark_neighbours
from .words import CLASSIC_ENTITLEMENTS, POLICY_ENTITLEMENTS

_MOST_UNREAD: Final = 1000


def outputs_in(data: bytes) -> list[Reading]:
    """Read the outputs in one text, as `read.read_all` says."""
    text = decode(data)
    if not (is_axl(text) or is_rows(text) or (is_json(text.lstrip()[:200]) and '"' in text)):
        text = without_markup(text)
    outputs = printed_outputs(text)
    whole = "\n".join(line.text for output in outputs for line in output.lines).strip()
    fault = None
    if is_json(whole[:200]):
        try:
            return _read_json(whole)
        except UnreadableTextError as error:  # a line of the terminal's may begin as JSON does
            fault = error
    if is_axl(whole):
        return [read_axl(whole)]
    columns = columns_of_rows(whole)
    if columns is not None:
        return [read_columns(columns)]
    readings = list(_of_devices(_read_part(output) for output in outputs))
    if all(is_empty(reading.report) for reading in readings):
        if fault is not None:
            raise fault
        with contextlib.suppress(UnreadableTextError):
            return _read_json(_json_in(whole))
    return readings


def _json_in(text: str) -> str:
    """The lines of a text from the first to the last that may be JSON's: a command or a mail may stand around them."""
    lines = text.split("\n")
    begins = next((number for number, line in enumerate(lines) if is_json(line.lstrip())), len(lines))
    ends = max((number for number, line in enumerate(lines) if line.rstrip().endswith(("}", "]"))), default=len(lines))
    return "\n".join(lines[begins : ends + 1])


def _read_json(text: str) -> list[Reading]:
    """Read JSON of a product, or the outputs that an automation's JSON holds. Raises UnreadableTextError."""
    try:
        return [read_json(text)]
    except UnreadableTextError:
        if not (outputs := printed_in(text)):
            raise
        return [reading for output in outputs for reading in outputs_in(output.encode())]


def _read_part(output: PrintedLines) -> Reading:
    lines = [line.text for line in output.lines if line.text.strip()]
    if output.is_other:
        return Reading(LicenseReport(), unread=lines, device=output.device)
    columns = columns_of(lines, output.unfinished)
    reading = _read_output(output) if columns is None else read_columns(columns)
    reading.device = output.device
    return reading


def _of_devices(readings: Iterable[Reading]) -> Iterator[Reading]:
    """Put the outputs of one device together, and lines about nothing with the output after them."""
    before: Reading | None = None
    for reading in readings:
        if before is None:
            before = reading
        elif is_empty(before.report) or is_empty(reading.report):
            before = _together(before, reading, reading.report if is_empty(before.report) else before.report)
        elif before.device and before.device == reading.device and (both := completed(before.report, reading.report)):
            before = _together(before, reading, both)
        else:
            yield before
            before = reading
    yield before or Reading(LicenseReport())


def _together(one: Reading, other: Reading, report: LicenseReport) -> Reading:
    """Two parts of one text as one. The device is that of the part with a report."""
    named = one if report is one.report or not other.device else other
    return structs.replace(
        other if report is other.report else one,
        report=report,
        unread=(one.unread + other.unread)[:_MOST_UNREAD],
        captured_at=one.captured_at or other.captured_at,
        notes=list(dict.fromkeys(one.notes + other.notes)),
        device=named.device,
    )


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
