"""curl, and with it whatever is built on libcurl."""

import subprocess
from collections.abc import Callable

import pytest

from support.authority import Authority
from support.clients import run
from support.exchange import MESSAGE, REFUSALS, URL, Refusal, assert_explains, assert_refused, assert_served
from support.gate import Gate
from support.parts import require_command
from support.standin import StandIn

Curl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def curl(authority: Authority, gate: Gate) -> Curl:
    """curl with the gate as its proxy: called with arguments, it returns what curl said."""
    command = require_command("curl", "curl")

    def call(*arguments: str, proxy: str = "--proxy") -> subprocess.CompletedProcess[str]:
        fixed = ("--silent", "--show-error", proxy, gate.url, "--cacert", authority.root)
        return run(command, *fixed, *arguments, stdin=MESSAGE)

    return call


@pytest.mark.parametrize("proxy", ["--proxy", "--proxy1.0"])
def test_a_post_reaches_the_stand_in_over_both_versions_of_http(
    curl: Curl, gate: Gate, standin: StandIn, proxy: str
) -> None:
    done = curl("--data-binary", "@-", URL, proxy=proxy)

    assert done.returncode == 0, done.stderr
    assert '"stand_in": true' in done.stdout
    assert_served(gate, standin, agent="curl/")
    assert gate.records()[0]["http_version"] == ("1.0" if proxy == "--proxy1.0" else "1.1")


def test_two_requests_share_one_tunnel(curl: Curl, gate: Gate, standin: StandIn) -> None:
    done = curl(URL, URL)

    assert done.returncode == 0, done.stderr
    assert len(standin.received) == 2
    gate.stop()
    assert len(gate.records()) == 1


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_shows_its_status_and_on_request_the_whole_reason(
    curl: Curl, gate: Gate, standin: StandIn, refusal: Refusal
) -> None:
    done = curl("--include", refusal.url)

    assert done.returncode == 56
    assert f"CONNECT tunnel failed, response {refusal.status}" in done.stderr
    assert_explains(done.stdout.removeprefix("HTTP/1.1 "), refusal)
    assert "\nProxy-Status: licensegate; " in done.stdout.replace("\r", "")
    assert_refused(gate, standin, refusal)


def test_a_plain_http_url_is_told_that_only_connect_is_served(curl: Curl, gate: Gate, standin: StandIn) -> None:
    done = curl("--include", "http://tools.cisco.com/")

    assert done.stdout.startswith("HTTP/1.1 405 method_not_allowed")
    assert "\nAllow: CONNECT\n" in done.stdout.replace("\r", "")
    assert "https://" in done.stdout.partition("\r\n\r\n")[2]
    assert_refused(gate, standin, Refusal("", 405, "method_not_allowed"))
