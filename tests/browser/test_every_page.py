"""Every page, in both languages, light and dark, on a phone and a desktop: pictures in build/pictures, and no fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FloatRect

from support.browser import WAYS, Visit, Way, sign_in, visiting
from support.past import TOKEN, Past

_TOP: FloatRect = {"x": 0, "y": 0, "width": 1280, "height": 5000}
"""What a picture has of a page: a list of a hundred clients goes on and on."""

PICTURES = Path(__file__).resolve().parents[2] / "build" / "pictures"


def each_page(visit: Visit, past: Past) -> Iterator[str]:
    """Visit the pages one after the other, the first of them without a session."""
    for name, path in past.pages.items():
        if name == "overview":
            sign_in(visit.page, TOKEN)
        visit.page.goto(path)
        yield name


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_page_fits_its_window_and_has_no_fault(way: Way, past: Past, browser: Browser) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with visiting(browser, past.origin, way) as visit:
        for name in each_page(visit, past):
            assert visit.page.get_attribute("html", "lang") == way.language
            assert visit.overflow == 0, name
            visit.page.screenshot(path=PICTURES / f"{name}-{way}.png", full_page=True, clip=_TOP)
        assert visit.troubles == []


@pytest.mark.parametrize("way", [WAYS[0], WAYS[-1]], ids=str)
def test_axe_finds_no_violation(way: Way, past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, way) as visit:
        for name in each_page(visit, past):
            found = Axe().run(visit.page, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
