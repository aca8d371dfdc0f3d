"""One browser and one gate for the whole folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from support.authority import Authority
from support.browser import open_browser
from support.past import Past, gate_with_past
from support.standin import StandIn


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. It ends with the folder: asyncio runs nothing else meanwhile."""
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="package")
def past(browser: Browser, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """A gate with a year of contacts, and failures of today."""
    with (
        StandIn(authority) as standin,
        gate_with_past(tmp_path_factory.mktemp("past"), authority, standin) as running,
    ):
        yield running
