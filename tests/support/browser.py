"""Chromium over the pages of a gate: eight ways to look at them, and what went wrong while somebody looked."""

import contextlib
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from support.requirements import require_command

_FLAGS: Final = (
    "--no-sandbox",  # a root user's Chromium has none
    "--disable-dev-shm-usage",  # a chroot may have no /dev/shm
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_SIZES: Final[dict[str, ViewportSize]] = {
    "phone": {"width": 360, "height": 740},
    "desktop": {"width": 1280, "height": 860},
}


class Way(Struct, frozen=True):
    """A way to look at a page."""

    language: Literal["en", "ja"]
    scheme: Literal["light", "dark"]
    size: Literal["phone", "desktop"]

    def __str__(self) -> str:
        return f"{self.language}-{self.scheme}-{self.size}"


WAYS: Final = tuple(
    Way(language, scheme, size)
    for language in ("en", "ja")
    for scheme in ("light", "dark")
    for size in ("desktop", "phone")
)


class Visit(Struct):
    """A page of the browser, and what went wrong on it: errors of scripts, of the policy for content, of requests."""

    page: Page
    troubles: list[str]

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's Chromium; skips the test without it."""
    chromium = require_command("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        yield browser
        browser.close()


@contextlib.contextmanager
def visiting(
    browser: Browser, origin: str, way: Way = WAYS[0], *, scripts: bool = True, token: str = ""
) -> Iterator[Visit]:
    """Look at an origin this way, in a profile of its own. With `token`, signed in."""
    context = browser.new_context(
        base_url=origin,
        viewport=_SIZES[way.size],
        color_scheme=way.scheme,
        locale={"en": "en-GB", "ja": "ja-JP"}[way.language],
        timezone_id="UTC",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    page = context.new_page()
    visit = Visit(page, [])
    page.on("console", lambda said: visit.troubles.append(f"console: {said.text}") if said.type != "log" else None)
    page.on("pageerror", lambda error: visit.troubles.append(f"script: {error}"))
    page.on("dialog", lambda dialog: visit.troubles.append(f"dialog: {dialog.message}"))
    page.on("request", lambda sent: None if sent.url.startswith(origin) else visit.troubles.append(f"asked {sent.url}"))
    page.on("response", lambda got: visit.troubles.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    try:
        if token:
            sign_in(page, token)
        yield visit
    finally:
        context.close()


def type_token(page: Page, token: str) -> None:
    """Type it into the form, once the field has the focus: Chromium complains if it has it before its time."""
    field = page.locator("#token")
    expect(field).to_be_focused()
    field.fill(token)
    field.press("Enter")


def sign_in(page: Page, token: str) -> None:
    """Sign in with the form."""
    page.goto("/login")
    type_token(page, token)
    page.wait_for_url("/")
