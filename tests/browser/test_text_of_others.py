"""Markup, right-to-left text and very long words that clients chose stay text, on every page that names them."""

import pytest
from playwright.sync_api import Browser

from support.browser import WAYS, visiting
from support.past import HOSTILE, LONG, RIGHT_TO_LEFT, TOKEN, Past


@pytest.mark.parametrize("name", [HOSTILE, RIGHT_TO_LEFT, LONG], ids=["markup", "right-to-left", "long"])
def test_a_name_stays_text_on_the_pages_that_have_it(name: str, past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, WAYS[1], token=TOKEN) as visit:
        page = visit.page
        for path in (f"/clients?q={name[:20]}", f"/client?key=login:{name}", f"/evidence?key=login:{name}"):
            page.goto(path.replace("#", "%23"))
            assert page.locator("main bdi", has_text=name[:20]).first.is_visible(), path
            assert page.locator("script").count() == 1
            assert page.locator("img, iframe, object, style").count() == 0
            assert visit.overflow == 0, path
        assert visit.troubles == []


def test_a_name_of_ten_thousand_letters_is_cut(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, WAYS[1]) as visit:
        visit.page.goto("/clients?q=yyyy")
        assert len(visit.page.locator("main tbody bdi").first.inner_text()) < 200
        assert visit.overflow == 0


def test_a_program_stays_text_among_refusals(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, token=TOKEN) as visit:
        for path in ("/", "/clients", "/refusals", "/client?key=address:10.20.99.66"):
            visit.page.goto(path)
            assert visit.page.locator("script").count() == 1
            assert visit.page.locator("img").count() == 0
        assert visit.page.get_by_text(HOSTILE).first.is_visible()
        assert visit.troubles == []


def test_text_from_right_to_left_moves_nothing_beside_it(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, token=TOKEN) as visit:
        visit.page.goto(f"/clients?q={RIGHT_TO_LEFT}")
        name = visit.page.locator("main tbody bdi", has_text=RIGHT_TO_LEFT).first
        assert name.evaluate("each => getComputedStyle(each).unicodeBidi") == "isolate"
