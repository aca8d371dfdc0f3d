"""The tables of a report: as text for a terminal, as Markdown for docs/speed.md."""

from collections.abc import Iterable, Sequence

import quantities as q
from contenders import BEFORE, FEATURES
from msgspec import Struct
from report import FleetRun, Report, Spread

_PEERS = (BEFORE, "squid", "tinyproxy", "haproxy", "floor")
_NOISY = 0.15
_WORDS = ("", "does")  # heads of columns of words


class Table(Struct, frozen=True):
    """A title, the names of the columns, and the rows."""

    title: str
    head: list[str]
    rows: list[list[str]]

    def as_text(self) -> str:
        """Aligned columns: words to the left, numbers to the right."""
        columns = [_aligned(column) for column in zip(self.head, *self.rows, strict=True)]
        return "\n".join((self.title, *("  ".join(line).rstrip() for line in zip(*columns, strict=True))))

    def as_markdown(self) -> str:
        """A table of Markdown under its title."""
        rows = [self.head, ["---"] * len(self.head), *self.rows]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join((f"**{self.title}**", "", *lines))


def _aligned(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    return [cell.ljust(width) if column[0] in _WORDS else cell.rjust(width) for cell in column]


def tables(report: Report) -> list[Table]:
    """All tables for which there are numbers."""
    made = (_tunnels(report), _serial(report), _streams(report), _features(report), _crowds(report), _memory(report))
    fleet = [_fleet(report.fleet)] if report.fleet else []
    return [table for table in made if table.rows] + fleet


def noise(report: Report) -> Iterable[str]:
    """A warning for each contender whose rounds vary too much."""
    for name in _measured(report, q.CPU):
        spread = report.spread(q.CPU, name)
        if spread.high - spread.low > _NOISY * spread.median:
            yield (
                f"noisy: half of the rounds of {name} vary by {(spread.high - spread.low) / spread.median:.0%}; "
                "something else used the machine. Run again, or with more --rounds."
            )


def _tunnels(report: Report) -> Table:
    peers = [name for name in _PEERS if report.has(q.CPU, name)]
    rows = [
        [
            name,
            _value(report, q.CPU, name),
            *(_ratio(report, q.CPU, name, peer) for peer in peers),
            _value(report, q.RATE, name),
            report.contenders[name],
        ]
        for name in _measured(report, q.CPU)
    ]
    return Table(
        f"CPU per tunnel, {report.amount.concurrency} at a time",
        ["", "us", *(f"of {peer}" for peer in peers), "tunnels per s", "does"],
        rows,
    )


def _serial(report: Report) -> Table:
    columns = {"p50 ms": q.P50, "p99 ms": q.P99, "CPU us": q.SERIAL_CPU}
    return _with_ratios(report, "One tunnel at a time: connect to first byte", columns)


def _streams(report: Report) -> Table:
    columns = {f"{streams} stream{'s' * (streams > 1)}": q.per_gigabyte(streams) for streams in q.STREAMS}
    return _with_ratios(report, "CPU seconds per GB", columns)


def _with_ratios(report: Report, title: str, columns: dict[str, str]) -> Table:
    """Quantities by the heads of their columns, each with its ratio to squid, or to the gate before if there."""
    names = _measured(report, next(iter(columns.values())))
    peer = BEFORE if BEFORE in names else "squid"
    rows = []
    for name in names:
        row = [name]
        for quantity in columns.values():
            row += [_value(report, quantity, name), _ratio(report, quantity, name, peer)]
        rows.append(row)
    return Table(title, ["", *(head for column in columns for head in (column, f"of {peer}"))], rows)


def _features(report: Report) -> Table:
    rows = [
        [
            feature.name,
            _value(report, q.CPU, feature.name),
            _ratio(report, q.CPU, feature.name, feature.plain),
            _ratio(report, q.CPU, feature.name, f"squid+{feature.does}"),
        ]
        for feature in FEATURES
        if report.has(q.CPU, feature.name)
    ]
    return Table("CPU per tunnel with one feature more", ["", "us", "of it without", "of squid with it"], rows)


def _crowds(report: Report) -> Table:
    sizes = report.amount.crowds
    head = ["", *(f"us at {size:,}" for size in sizes), *(f"p99 ms at {size:,}" for size in sizes)]
    columns = [*map(q.crowd_cpu, sizes), *map(q.crowd_p99, sizes)]
    rows = [
        [name, *(_value(report, quantity, name) for quantity in columns)]
        for name in _measured(report, q.crowd_cpu(sizes[0]))
    ]
    return Table("Newcomers while so many tunnels are open: CPU per tunnel, and p99", head, rows)


def _memory(report: Report) -> Table:
    head = ["", "MB at rest", "KB per idle tunnel", "of squid", "CPU s to the first tunnel"]
    rows = [
        [
            name,
            _value(report, q.AT_REST, name),
            _value(report, q.IDLE, name),
            _ratio(report, q.IDLE, name, "squid"),
            _value(report, q.START, name),
        ]
        for name in _measured(report, q.START)
    ]
    return Table(f"Memory, with {report.amount.crowds[-1]:,} idle tunnels, and start", head, rows)


def _fleet(run: FleetRun) -> Table:
    rows = [
        ["sent", f"{run.tunnels:,} tunnels from {run.sites:,} addresses, due over {run.scheduled_seconds:g} s"],
        ["served", f"{run.served:,}, by the gates {' and '.join(f'{count:,}' for count in run.by_gate)}"],
        ["lost", f"{run.lost}{': ' + '; '.join(run.reasons) if run.reasons else ''}"],
        ["took", f"{run.took_seconds:.1f} s, {run.served / run.took_seconds:,.0f} tunnels per s"],
        ["opened after it was due", f"{run.latest:.2f} s at most"],
        ["connect to first byte", f"p50 {run.p50 * 1e3:.1f} ms, p99 {run.p99 * 1e3:.1f} ms"],
        [
            "CPU per tunnel",
            f"gates {_microseconds(sum(run.gate_cpu), run)}, HAProxy {_microseconds(run.haproxy_cpu, run)}",
        ],
        [
            "in the ledger",
            f"{run.in_ledger:,}, {run.answered_in_ledger:,} answered; sites agree: {_yes(run.sites_agree)}",
        ],
    ]
    title = f"The day of {run.instances:,} products, {run.calls_per_day} tunnels each, through HAProxy and two gates"
    return Table(title, ["", ""], rows)


def _microseconds(seconds: float, run: FleetRun) -> str:
    return f"{seconds / max(1, run.served) * 1e6:.0f} us"


def _measured(report: Report, quantity: str) -> list[str]:
    """The contenders without a feature of which there is a number."""
    return [name for name in report.contenders if "+" not in name and report.has(quantity, name)]


def _value(report: Report, quantity: str, name: str) -> str:
    return q.unit_of(quantity).text(report.spread(quantity, name).median) if report.has(quantity, name) else ""


def _ratio(report: Report, quantity: str, name: str, peer: str) -> str:
    ratio = report.ratio(quantity, name, peer)
    if ratio is None:
        return ""
    return "1" if name == peer else ratio_text(ratio)


def ratio_text(ratio: Spread) -> str:
    """The median, and the quartiles in brackets."""
    return f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
