"""The script that keeps a page up to date. The browser's clock is turned by hand."""

from playwright.sync_api import Browser, Page

from support.browser import visiting
from support.past import Past

ROUND = 11_000  # milliseconds: a little more than the script waits


def turn(page: Page) -> None:
    """Let the script ask once, and wait for the answer."""
    with page.expect_response(lambda got: got.url == page.url and got.request.resource_type == "fetch"):
        page.clock.fast_forward(ROUND)


def test_a_new_refusal_appears_by_itself_and_focus_stays(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin) as visit:
        page = visit.page
        page.clock.install()
        page.goto("/refusals")
        link = page.locator('main a[href*="10.20.99.67"]').first
        link.focus()
        past.refuse("new.example:443")
        turn(page)
        page.get_by_text("new.example:443 is not in the allowlist").wait_for()
        assert page.evaluate("document.activeElement.getAttribute('href')").endswith("10.20.99.67")
        assert visit.troubles == []


def test_nothing_moves_while_somebody_types(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin) as visit:
        page = visit.page
        page.clock.install()
        page.goto("/clients")
        page.locator("#q").press_sequentially("osa")
        asked: list[str] = []
        page.on("request", lambda sent: asked.append(sent.url))
        for _ in range(3):
            page.clock.fast_forward(ROUND)
        page.evaluate("document.activeElement.blur()")
        page.clock.fast_forward(ROUND)
        assert asked == []
        assert page.input_value("#q") == "osa"


def test_a_gate_that_is_gone_leaves_the_page_as_it_was(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin) as visit:
        page = visit.page
        page.clock.install()
        page.goto("/refusals")
        before = page.inner_text("main")
        page.route("**/refusals", lambda route: route.abort())
        with page.expect_event("requestfailed"):
            page.clock.fast_forward(ROUND)
        assert page.inner_text("main") == before
        page.unroute("**/refusals")
        turn(page)
        assert page.locator(".failures li").count() > 0
