"""Draws the plots of docs/speed.md from a report: `build/bench/bin/python bench/plots.py REPORT.json PICTURE.png`.

Needs matplotlib, which has an environment of its own (requirements/bench.txt).
"""

import sys
from pathlib import Path

import matplotlib as mpl
import msgspec
import quantities as q
from contenders import GATE, PLAIN
from report import Report

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_INCHES = (11, 7.5)
_DOTS_PER_INCH = 110
_OURS, _OTHERS = "#0b6bcb", ("#e07b39", "#8a5fbf", "#c9a227", "#3f9c6c", "#b0466a", "#7a7a7a")


def draw(report: Report, picture: Path) -> None:
    """Draw four plots into one picture."""
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(2, 2, figsize=_INCHES, layout="constrained")
    _bars(axes[0][0], report)
    _streams(axes[0][1], report)
    _crowds(axes[1][0], report, "CPU per newcomer, us", q.crowd_cpu)
    _crowds(axes[1][1], report, "newcomers' p99, ms", q.crowd_p99)
    axes[1][0].set_ylim(bottom=0)
    axes[1][1].set_yscale("log")
    figure.legend(*axes[1][0].get_legend_handles_labels(), loc="outside lower center", ncols=len(PLAIN), frameon=False)
    figure.suptitle(f"{report.date}, {report.machine}: medians of {report.rounds} rounds, with quartiles")
    figure.savefig(picture, dpi=_DOTS_PER_INCH, metadata={"Software": None})


def _bars(axis: Axes, report: Report) -> None:
    """CPU per tunnel."""
    for place, name in enumerate(reversed(_named(report, q.CPU))):
        spread = report.spread(q.CPU, name)
        errors = [[(spread.median - spread.low) * 1e6], [(spread.high - spread.median) * 1e6]]
        axis.barh(place, spread.median * 1e6, xerr=errors, color=_colour(name), height=0.65)
        axis.text(spread.high * 1e6, place, f"  {spread.median * 1e6:.0f}", va="center")
    axis.set_yticks(range(len(_named(report, q.CPU))), list(reversed(_named(report, q.CPU))))
    axis.set_title(f"CPU per tunnel, {report.amount.concurrency} at a time, us")


def _streams(axis: Axes, report: Report) -> None:
    """CPU per GB over different numbers of streams."""
    names = _named(report, q.per_gigabyte(q.STREAMS[0]))
    width = 0.8 / max(1, len(names))
    for place, name in enumerate(names):
        medians = [report.spread(q.per_gigabyte(streams), name).median for streams in q.STREAMS]
        left = [group - 0.4 + (place + 0.5) * width for group in range(len(q.STREAMS))]
        axis.bar(left, medians, width * 0.9, color=_colour(name))
    axis.set_xticks(range(len(q.STREAMS)), [f"{streams} stream{'s' * (streams > 1)}" for streams in q.STREAMS])
    axis.set_title("CPU seconds per GB")


def _crowds(axis: Axes, report: Report, title: str, quantity_at: "q.AtSize") -> None:
    """A quantity of newcomers against the number of open tunnels."""
    sizes = report.amount.crowds
    for name in _named(report, quantity_at(sizes[0])):
        unit = q.unit_of(quantity_at(sizes[0]))
        spreads = [report.spread(quantity_at(size), name) for size in sizes]
        colour = _colour(name)
        axis.plot(sizes, [one.median * unit.factor for one in spreads], "o-", color=colour, label=name, markersize=4)
        low, high = ([getattr(one, side) * unit.factor for one in spreads] for side in ("low", "high"))
        axis.fill_between(sizes, low, high, color=colour, alpha=0.12, linewidth=0)
    axis.set_xscale("log")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.set_xlabel("tunnels that are open")
    axis.set_title(title)


def _named(report: Report, quantity: str) -> list[str]:
    return [one.name for one in PLAIN if report.has(quantity, one.name)]  # a whole run has no others


def _colour(name: str) -> str:
    others = [one.name for one in PLAIN if one.name != GATE]
    return _OURS if name == GATE else _OTHERS[others.index(name)]


if __name__ == "__main__":
    draw(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Report), Path(sys.argv[2]))
