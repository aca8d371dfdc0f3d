"""`openssl s_client -proxy`: an HTTP/1.0 CONNECT without a Host field, by the tool that tests TLS by hand."""

import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from support.authority import Authority
from support.clients import run
from support.exchange import HOST, MESSAGE, REFUSALS, Refusal, assert_explains, assert_refused, assert_served
from support.gate import Gate
from support.parts import require_command
from support.standin import CALL_HOME_PATH, StandIn

Client = Callable[..., subprocess.CompletedProcess[str]]

POST = (
    f"POST {CALL_HOME_PATH} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(MESSAGE)}\r\nConnection: close\r\n\r\n"
).encode() + MESSAGE


@pytest.fixture
def s_client(authority: Authority, gate: Gate) -> Client:
    """s_client with the gate as its proxy: called with host:port and further options, it posts a message."""
    command = require_command("openssl", "openssl")

    def call(target: str, *options: str) -> subprocess.CompletedProcess[str]:
        fixed = ("-proxy", f"127.0.0.1:{gate.port}", "-CAfile", authority.root, "-verify_return_error", "-quiet")
        return run(command, "s_client", "-connect", target, *fixed, *options, stdin=POST)

    return call


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_post_reaches_the_stand_in(s_client: Client, gate: Gate, standin: StandIn, version: str) -> None:
    done = s_client(f"{HOST}:443", version)

    assert done.returncode == 0, done.stderr
    assert '"stand_in": true' in done.stdout
    assert_served(gate, standin, agent="")
    assert gate.records()[0]["http_version"] == "1.0"


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_shows_the_whole_reason(s_client: Client, gate: Gate, standin: StandIn, refusal: Refusal) -> None:
    url = urlsplit(refusal.url)

    done = s_client(f"{url.hostname}:{url.port or 443}")

    assert done.returncode == 1
    assert_explains(done.stderr.partition("s_client: HTTP CONNECT failed, reason= ")[2], refusal)
    assert_refused(gate, standin, refusal)
