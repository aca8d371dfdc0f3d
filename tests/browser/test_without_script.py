"""The pages in a browser that runs no script."""

from playwright.sync_api import Browser

from support.browser import WAYS, type_token, visiting
from support.licence_texts import text_of
from support.past import TOKEN, Past


def test_lists_search_and_language_work_without_script(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, scripts=False) as visit:
        page = visit.page
        page.goto("/clients")
        page.fill("#q", "osaka")
        page.press("#q", "Enter")
        assert page.locator("tbody tr").count() == 1
        page.get_by_role("link", name="日本語").click()
        assert page.get_attribute("html", "lang") == "ja"
        assert page.locator("tbody tr").count() == 1
        page.get_by_role("link", name="概要").click()
        assert page.get_attribute("html", "lang") == "ja"
        page.goto("/client?key=address:10.21.0.7&lang=ja")
        page.get_by_role("link", name="サインイン").first.click()
        type_token(page, TOKEN)
        assert page.url.endswith("/client?key=address%3A10.21.0.7&lang=ja")
        assert page.get_attribute("html", "lang") == "ja"
        assert visit.troubles == []


def test_pages_of_a_list_turn_without_script(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, scripts=False) as visit:
        visit.page.goto("/clients")
        first = visit.page.locator("tbody tr").count()
        visit.page.get_by_role("link", name="Next").click()
        assert visit.page.locator("tbody tr").count() > 0
        assert visit.page.get_by_role("link", name="Next").count() == 0
        assert first == 100


def test_signing_in_naming_a_client_and_signing_out_work_without_script(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, scripts=False, token=TOKEN) as visit:
        page = visit.page
        page.goto("/client?key=address:10.21.0.7")
        page.fill("#name-field", "Router <7>")
        page.get_by_role("button", name="Name it").click()
        assert page.get_by_role("heading", name="Router <7>", level=1).is_visible()
        page.fill("#text-field", text_of("cucm-all"))
        page.get_by_role("button", name="Keep the text").click()
        assert page.get_by_role("status").is_visible()
        page.get_by_role("button", name="Sign out").click()
        page.goto("/client?key=address:10.21.0.7")
        assert page.locator("#name-field").count() == 0
        assert visit.troubles == []


def test_an_unknown_page_says_so_in_a_page(past: Past, browser: Browser) -> None:
    with visiting(browser, past.origin, WAYS[-1], scripts=False) as visit:
        visit.page.goto(f"{past.origin}//evil.example/%3Cb%3E?lang=ja")
        assert visit.page.get_by_role("heading", name="見つかりません").is_visible()
        assert not visit.page.locator("[href*=evil]").count()
