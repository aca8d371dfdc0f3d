"""Write what a whole `make bench` has found into docs/speed.md, between its two marks.

`python scripts/speed_page.py build/bench.json`; `make speed-page` draws the plots, too.
"""

import sys
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from report import Report  # noqa: E402
from tables import tables  # noqa: E402

PAGE = ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- Made by scripts/speed_page.py from `make bench`. -->\n", "<!-- The end of what it makes. -->\n"


def figures(report: Report) -> str:
    """The tables of a report, as Markdown, under what they were measured on."""
    date = f"{report.date}, {report.version}, commit {report.commit}; {report.machine}; {report.system}."
    rounds = f"Medians of {report.rounds} rounds; ratios are taken within each round, their quartiles are in brackets."
    picture = "![Four plots of the tables below](pictures/speed.png)"
    parts = (f"{date}\n{rounds}", picture, *(table.as_markdown() for table in tables(report)), *report.remarks)
    return "\n\n".join(parts)


def with_figures(page: str, text: str) -> str:
    """The page with this text between its marks."""
    before, found, rest = page.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not (found and found_end):
        raise SystemExit(f"{PAGE} lacks one of its marks: {BEGIN}{END}")
    return f"{before}{BEGIN}\n{text}\n\n{END}{after}"


def main() -> None:
    """Write the page. Ends with an error for a report of a part of the benchmark."""
    report = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Report)
    if not report.whole:
        raise SystemExit(f"{sys.argv[1]} is of a short or partial run: run `make bench` first")
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), figures(report)), encoding="utf-8")


if __name__ == "__main__":
    main()
