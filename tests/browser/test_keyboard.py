"""The pages without a mouse."""

import pytest
from playwright.sync_api import Browser, Page

from support.browser import WAYS, visiting
from support.past import TOKEN, Past

_CONTROLS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter(each => each.type !== "hidden" && each.checkVisibility()).length"""
_FOCUSED = """() => {
    const focused = document.activeElement;
    if (focused === document.body) return null;
    focused.dataset.reached = "yes";
    const style = getComputedStyle(focused);
    const box = focused.getBoundingClientRect();
    return {
        outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        inside: box.left >= 0 && box.right <= innerWidth + 1 && box.top < innerHeight && box.bottom > 0,
        what: focused.outerHTML.slice(0, 120),
    };
}"""


def reached(page: Page) -> int:
    """Press Tab until the page has ended. Every control must show its focus, in the window."""
    for _ in range(600):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is None:
            break
        assert focused["inside"], focused
        assert focused["outline"] >= 2, focused
    return int(page.evaluate("document.querySelectorAll('[data-reached]').length"))


@pytest.mark.parametrize("name", ["overview", "client", "clients"])
def test_tab_reaches_every_control_and_shows_where_it_is(name: str, past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, WAYS[1], token=TOKEN) as visit:
        visit.page.goto(past.pages[name])
        controls = visit.page.evaluate(_CONTROLS)
        assert controls > 5
        assert reached(visit.page) == controls


def test_the_first_control_skips_to_the_content(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin) as visit:
        visit.page.goto("/")
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.className") == "skip"
        assert visit.page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
        visit.page.keyboard.press("Enter")
        assert visit.page.evaluate("document.activeElement.id") == "content"
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.closest('main') !== null")
