"""The pages on paper."""

from playwright.sync_api import Browser

from support.browser import WAYS, visiting
from support.past import TOKEN, Past

_HIDDEN = "header.top, form, .screen-only, .skip"


def test_paper_has_no_navigation_and_no_form_and_is_light(past: Past, browser: Browser) -> None:
    dark = next(way for way in WAYS if way.scheme == "dark")
    with visiting(browser, past.origin, dark, token=TOKEN) as visit:
        visit.page.emulate_media(media="print", color_scheme="dark")
        for name in ("overview", "client", "evidence"):
            visit.page.goto(past.pages[name])
            assert [each.is_visible() for each in visit.page.locator(_HIDDEN).all()].count(True) == 0
            background = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == "rgb(255, 255, 255)"


def test_an_evidence_sheet_takes_two_sheets_of_a4_at_most(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, token=TOKEN) as visit:
        visit.page.goto(past.pages["evidence"])
        paper = visit.page.pdf(format="A4", prefer_css_page_size=True)
        assert paper.startswith(b"%PDF")
        assert 1 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") <= 2
