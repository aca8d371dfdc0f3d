"""Requests to a running gate's admin server. Imports the gate's page table."""

import http.client
import json
import re
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from licensegate.app.admin.access import Audience
from licensegate.app.admin.page_table import PAGES
from support.gate import Gate
from support.upstream import SECONDS

ANY_PORT = "127.0.0.1:0"
ENDED_TOTAL = "licensegate_connections_ended_total"
_SHOWN = [page for page in PAGES if page.method == "GET" and "key" not in page.parameters]
OPEN_PAGES = tuple(page.path for page in _SHOWN if page.audience is Audience.OPEN)
TRUSTED_PAGES = tuple(page.path for page in _SHOWN if page.audience is Audience.TRUSTED)
CHANGES = tuple(page.path for page in PAGES if page.audience is Audience.CHANGES)
_ADDRESS = re.compile(r"metrics and health on https?://(\S+):([0-9]+)/")


class PageResponse(Struct, frozen=True):
    """A response of the admin server."""

    status: int
    fields: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Series:
    """The series of one scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The value of one series, or the sum of all with these labels; 0 without any."""
        return sum(s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items())


def admin_port(gate: Gate) -> int:
    """The admin port: the last one the gate has logged."""
    found = [address for line in gate.stderr if (address := _ADDRESS.search(line))]
    assert found, gate.stderr
    return int(found[-1][2])


def get_page(gate: Gate, path: str, method: str = "GET", **fields: str) -> PageResponse:
    """Request a page. Names of header fields are written with underscores."""
    connection = http.client.HTTPConnection("127.0.0.1", admin_port(gate), timeout=SECONDS)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
    answer = connection.getresponse()
    shown = PageResponse(
        answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    )
    connection.close()
    return shown


def scrape(gate: Gate) -> Series:
    """The gate's metrics now."""
    shown = get_page(gate, "/metrics")
    assert shown.status == 200
    assert shown.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Series(shown.body)


def scrape_until(gate: Gate, enough: Callable[[Series], object]) -> Series:
    """Scrape until `enough` is true. Raises AssertionError after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not enough(series := scrape(gate)):
        assert time.monotonic() < deadline, series.text
        time.sleep(0.02)
    return series


def get_page_until(gate: Gate, path: str, enough: Callable[[PageResponse], object]) -> PageResponse:
    """Request a page until `enough` is true. Raises AssertionError after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not enough(shown := get_page(gate, path)):
        assert time.monotonic() < deadline, shown.body
        time.sleep(0.02)
    return shown
