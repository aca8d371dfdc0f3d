"""A gate that looks by itself names what the tunnel alone does not show, once its look is there."""

import json
from pathlib import Path

import pytest

from support.client_program import Post
from support.gate import COMMAND, Gate, cisco_at
from support.licensing_exchange import TARGET, URL
from support.matrix.chains import Chains, make_chains
from support.matrix.clients import CLIENTS
from support.matrix.programs import mitmproxy
from support.matrix.servers import run_servers
from support.programs import run

pytestmark = pytest.mark.timeout(600)  # the first test runs all clients


@pytest.fixture
def chains(tmp_path: Path) -> Chains:
    return make_chains(tmp_path)


def settings(chains: Chains, port: int) -> str:
    """A gate that takes the root of the chains for a public one."""
    return cisco_at(port, more=f'[probe]\nroots = "{chains.trust.pem}"\n\n[state]\ndirectory = "state"\n')


def meet(gate: Gate, chains: Chains) -> tuple[str, str]:
    """Have curl post through the gate. Returns the finding of its record, and the certainty."""
    before = len(gate.records())
    CLIENTS["curl"][1]((), chains.trust, [Post(URL, gate.url)])
    record = gate.records(before + 1)[-1]
    return record["finding"], record["certainty"]


def look(gate: Gate) -> str:
    """The verdict of the gate's newest look, which is made if there is none."""
    done = run(COMMAND, "probe", "--config", gate.settings, "--json", TARGET)
    return str(json.loads(done.stdout)["verdict"])


def test_an_interception_is_named_after_the_look_that_its_client_caused(tmp_path: Path, chains: Chains) -> None:
    with (
        run_servers(chains, {"good"}) as ports,
        mitmproxy(tmp_path, f"--mode=reverse:https://127.0.0.1:{ports['good']}") as port,
        Gate(tmp_path, settings(chains, port)) as gate,
    ):
        assert meet(gate, chains) == ("certificate_rejected", "likely")
        assert look(gate) == "foreign_issuer"
        assert meet(gate, chains) == ("intercepted", "likely")


@pytest.mark.parametrize(
    ("server", "verdict", "finding"),
    [
        ("expired", "expired", "server_expired"),
        ("incomplete", "incomplete_chain", "incomplete_chain"),
        ("self_signed", "self_signed", "self_signed"),
    ],
)
def test_a_bad_certificate_is_named_by_the_gates_own_look(
    tmp_path: Path, chains: Chains, server: str, verdict: str, finding: str
) -> None:
    with run_servers(chains, {server}) as ports, Gate(tmp_path, settings(chains, ports[server])) as gate:
        assert look(gate) == verdict
        assert meet(gate, chains) == (finding, "likely")


def test_an_answer_without_tickets_is_known_after_a_look(tmp_path: Path, chains: Chains) -> None:
    with run_servers(chains, {"no_tickets"}) as ports, Gate(tmp_path, settings(chains, ports["no_tickets"])) as gate:
        assert meet(gate, chains) == ("transport_fine", "possible")
        assert look(gate) == "public"
        assert meet(gate, chains) == ("transport_fine", "likely")
