"""`licensegate probe`: makes the running gate look at targets by a TLS handshake of its own, and prints what it saw."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from licensegate.allowlist.target import TargetError
from licensegate.app.observers.target_reports import GOOD
from licensegate.app.service.control_client import ask
from licensegate.app.service.control_protocol import ControlError, Request
from licensegate.app.settings import SettingsError
from licensegate.app.terminal import complain, say, say_json
from licensegate.diagnosis.target_report import TargetReport

from .control_socket import NO_SOCKET, control_socket
from .target_argument import add_targets, target_argument

NOTES: Final = """\
  The gate connects to each target as for a client's tunnel, shakes hands, asks for / and judges the certificate. A look
  takes up to 20 seconds; one that is under a minute old is shown again. docs/probe.md explains the verdicts.
  The command uses the control socket, as `licensegate reload` does.

exit status:
  0  nothing is wrong with any of the targets
  1  something is, or a look failed
  2  no gate answers, or not in time
"""

_SECONDS: Final = 120
"""For a look, after others in progress."""

_HEADINGS: Final = ("TARGET", "VERDICT", "DAYS LEFT", "CLOCK", "TLS", "ISSUER")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file that the gate was started with")
    parser.add_argument("--json", action="store_true", help="print one report per line, as JSON")
    add_targets(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask for a look at each target and print the reports."""
    try:
        path = control_socket(arguments.config)
        if path is None:
            return complain(NO_SOCKET)
        targets = [str(target_argument(text)) for text in arguments.targets] or _all_targets(path)
        reports, failures = _looks(path, targets)
    except TargetError as error:
        return complain(f"{error}; write a target like tools.cisco.com:443")
    except (ControlError, SettingsError) as error:
        return complain(str(error))
    if arguments.json:
        say_json("\n".join(msgspec.json.encode(report).decode() for report in reports))
    elif reports:
        say("\n".join(table(reports, datetime.now(UTC))))
    for failure in failures:
        complain(failure)
    return 1 if failures or any(report.verdict not in GOOD for report in reports) else 0


def _all_targets(path: Path) -> list[str]:
    return msgspec.json.decode(ask(path, Request("probe")).message, type=list[str])


def _looks(path: Path, targets: Iterable[str]) -> tuple[list[TargetReport], list[str]]:
    reports, failures = [], []
    for target in targets:
        reply = ask(path, Request("probe", target=target), _SECONDS)
        if reply.ok:
            reports.append(msgspec.json.decode(reply.message, type=TargetReport))
        else:
            failures.append(reply.message)
    return reports, failures


def table(reports: Sequence[TargetReport], now: datetime) -> Iterator[str]:
    """Yield the lines of a table of reports; where something is wrong, with the reason below."""
    rows = [_HEADINGS, *(_row(report, now) for report in reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    details = ["", *("" if report.verdict in GOOD else report.detail for report in reports)]
    for row, detail in zip(rows, details, strict=True):
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        if detail:
            yield f"  {detail}"


def _row(report: TargetReport, now: datetime) -> tuple[str, ...]:
    ends, skew = report.chain_ends, report.skew_seconds
    return (
        report.target,
        report.verdict,
        "-" if ends is None else str((ends - now).days),
        "-" if skew is None else f"{skew:+.0f} s",
        report.tls_version or "-",
        report.chain[0].issuer if report.chain else "-",
    )
