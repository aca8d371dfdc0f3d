"""One gate for all tests of a file, so that no attack may harm the next client."""

from collections.abc import Iterator

import pytest

from support.authority import CISCO_HOSTS, Authority
from support.gate import Gate, gate_settings
from support.standin import StandIn


@pytest.fixture(scope="module")
def standin(authority: Authority) -> Iterator[StandIn]:
    """A server that stands in for Cisco's hosts."""
    with StandIn(authority) as server:
        yield server


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[Gate]:
    """A gate with the default allowlist whose targets all lead to the stand-in."""
    everywhere = (f"{host}:443:127.0.0.1:{standin.port}" for host in CISCO_HOSTS)
    with Gate(tmp_path_factory.mktemp("gate"), gate_settings(*everywhere)) as running:
        yield running
