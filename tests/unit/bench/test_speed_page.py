"""What `make speed-page` writes into docs/speed.md."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "speed_page.py"))
PAGE = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")


def test_new_figures_replace_the_old_ones_and_nothing_else() -> None:
    first = SCRIPT["with_figures"](PAGE, "numbers of one run")
    second = SCRIPT["with_figures"](first, "numbers of another run")

    assert "numbers of another run" in second
    assert "numbers of one run" not in second
    assert second.replace("numbers of another run", "numbers of one run") == first
    assert first.startswith(PAGE.partition(SCRIPT["BEGIN"])[0])
    assert first.endswith(PAGE.partition(SCRIPT["END"])[2])


def test_a_page_without_its_marks_is_left_alone() -> None:
    with pytest.raises(SystemExit, match="lacks one of its marks"):
        SCRIPT["with_figures"]("a page", "figures")
