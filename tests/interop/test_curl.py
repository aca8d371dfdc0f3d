"""Features that only curl and programs built on libcurl have."""

import subprocess
from collections.abc import Callable

import pytest

from support.authority import Authority
from support.gate import Gate
from support.licensing_exchange import MESSAGE, URL, Refusal, assert_posted, assert_refused, assert_served
from support.programs import run
from support.requirements import require_command
from support.standin import StandIn

Curl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def curl(authority: Authority, gate: Gate) -> Curl:
    """A function that runs curl through the gate with the given arguments."""
    command = require_command("curl", "curl")

    def call(*arguments: str, proxy: str = "--proxy") -> subprocess.CompletedProcess[str]:
        fixed = ("--silent", "--show-error", proxy, gate.url, "--cacert", authority.root)
        return run(command, *fixed, *arguments, stdin=MESSAGE)

    return call


@pytest.mark.parametrize("proxy", ["--proxy", "--proxy1.0"])
def test_a_post_succeeds_over_http_1_0_and_1_1(curl: Curl, gate: Gate, standin: StandIn, proxy: str) -> None:
    done = curl("--data-binary", "@-", URL, proxy=proxy)

    assert done.returncode == 0, done.stderr
    assert '"stand_in": true' in done.stdout
    assert_posted([standin], 1)
    (record,) = gate.records(1)
    assert_served(record)
    assert record["http_version"] == ("1.0" if proxy == "--proxy1.0" else "1.1")


def test_two_requests_share_one_tunnel(curl: Curl, gate: Gate, standin: StandIn) -> None:
    done = curl(URL, URL)

    assert done.returncode == 0, done.stderr
    assert len(standin.received) == 2
    gate.stop()
    assert len(gate.records()) == 1


def test_a_plain_http_url_is_refused_with_a_hint_to_use_https(curl: Curl, gate: Gate, standin: StandIn) -> None:
    done = curl("--include", "http://tools.cisco.com/")

    assert done.stdout.startswith("HTTP/1.1 405 http_without_tunnel")
    assert "\nProxy-Status: licensegate; " in done.stdout.replace("\r", "")
    assert "\nAllow: CONNECT\n" in done.stdout.replace("\r", "")
    assert "https://" in done.stdout.partition("\r\n\r\n")[2]
    (record,) = gate.records(1)
    assert_refused(record, Refusal("", 405, "http_without_tunnel"))
    assert standin.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("path", ["/Transportgateway/services/DeviceRequestHandler", "/SmartTransport"])
def test_a_product_that_uses_the_gate_as_a_gateway_reads_the_menu(
    curl: Curl, gate: Gate, scheme: str, path: str
) -> None:
    url = f"{scheme}://127.0.0.1:{gate.port}{path}"
    done = curl("--noproxy", "*", "--insecure", "--include", "--data-binary", "@-", url)

    assert done.stdout.startswith("HTTP/1.1 405 gate_is_no_gateway")
    assert "System > Licensing > License Management" in done.stdout
    assert "license smart transport proxy" in done.stdout
    (record,) = gate.records(1)
    assert (record["outcome"], record["protocol"]) == ("gate_is_no_gateway", scheme)
