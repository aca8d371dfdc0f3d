"""Node: its own http module, whose CONNECT names the proxy as its Host, and Debian's https-proxy-agent."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.authority import Authority
from support.clients import run
from support.exchange import MESSAGE, REFUSALS, URL, Refusal, assert_explains, assert_refused, assert_served
from support.gate import Gate
from support.parts import require_command, require_file
from support.standin import StandIn

SCRIPTS = Path(__file__).with_name("node")
DEBIAN_MODULES = Path("/usr/share/nodejs")

Node = Callable[[str, str], subprocess.CompletedProcess[str]]


@pytest.fixture
def node(authority: Authority, gate: Gate) -> Node:
    """Node with the gate as its proxy: called with a script and a URL, it posts a message."""
    command = require_command("node", "nodejs")

    def call(script: str, url: str) -> subprocess.CompletedProcess[str]:
        where = {"NODE_EXTRA_CA_CERTS": str(authority.root), "NODE_PATH": str(DEBIAN_MODULES)}
        return run(command, SCRIPTS / script, gate.url, url, stdin=MESSAGE, **where)

    return call


@pytest.fixture
def agent_package() -> Path:
    return require_file(DEBIAN_MODULES / "https-proxy-agent", "node-https-proxy-agent")


def test_a_post_through_core_modules_reaches_the_stand_in(node: Node, gate: Gate, standin: StandIn) -> None:
    done = node("core.js", URL)

    assert done.returncode == 0, done.stderr
    assert '"stand_in": true' in done.stdout
    assert_served(gate, standin, agent="")


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_core_modules_hand_over_the_reason_and_the_body(
    node: Node, gate: Gate, standin: StandIn, refusal: Refusal
) -> None:
    done = node("core.js", refusal.url)

    assert done.returncode == 1
    status_line, _, body = done.stderr.removeprefix("the proxy answered ").partition("\n")
    assert_explains(status_line, refusal)
    assert_complete(body, refusal)
    assert_refused(gate, standin, refusal)


@pytest.mark.usefixtures("agent_package")
def test_a_post_through_https_proxy_agent_reaches_the_stand_in(node: Node, gate: Gate, standin: StandIn) -> None:
    done = node("agent.js", URL)

    assert done.returncode == 0, done.stderr
    assert '"stand_in": true' in done.stdout
    assert_served(gate, standin, agent="")


@pytest.mark.usefixtures("agent_package")
@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_https_proxy_agent_passes_a_refusal_off_as_the_servers_own_answer(
    node: Node, gate: Gate, standin: StandIn, refusal: Refusal
) -> None:
    done = node("agent.js", refusal.url)

    assert done.returncode == 0, done.stderr
    status_line, _, body = done.stdout.partition("\n")
    assert_explains(status_line, refusal)
    assert_complete(body, refusal)
    assert_refused(gate, standin, refusal)


def assert_complete(body: str, refusal: Refusal) -> None:
    """The body came whole: it says what happened, and ends with the outcome's name and the record's id."""
    assert re.search(rf"\({refusal.outcome}, [0-9a-f]+\)\n\Z", body), body
