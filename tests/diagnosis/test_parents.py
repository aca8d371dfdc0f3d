"""Parent proxies that help or fail, and the gate's finding for each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.client_program import Post
from support.gate import Gate
from support.gate_with_parents import parent_gate_settings
from support.matrix.chains import make_chains
from support.matrix.clients import CLIENTS
from support.matrix.looks import look_at_all
from support.matrix.parents import PARENTS, Place, connect_to, target_port
from support.matrix.requests import HOST
from support.matrix.results import GATES_AT_ONCE, LISTEN, Matrix, assert_explained, assert_named, port_of, wanted_cases
from support.matrix.scenario import Case, cases
from support.matrix.servers import run_servers

pytestmark = pytest.mark.timeout(600)  # the first test runs all clients

_MORE = f'[limits]\ndial_seconds = 6\n\n[[allowlist.rule]]\nhost = "{HOST}"\n'


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Every client of this run, through a gate with the parent of its scenario."""
    made, wanted = Matrix(), wanted_cases(request, "parents")
    chains = make_chains(tmp_path_factory.mktemp("parents"))
    with run_servers(chains, {"good"}) as ports, ThreadPoolExecutor(GATES_AT_ONCE) as pool:
        for part in dict.fromkeys(case.scenario.part for case in wanted):
            those = [case for case in wanted if case.scenario.part == part]
            place = Place(tmp_path_factory.mktemp(part), chains, target_port(part, ports["good"]))
            pool.submit(run_parent, made, those, place)
    return made


def run_parent(made: Matrix, those: Sequence[Case], place: Place) -> None:
    """Run the clients of one parent."""
    part = those[0].scenario.part

    def post(gate: Gate, group: Sequence[Case]) -> list[str]:
        proxy = f"http://127.0.0.1:{port_of(gate, those, group[0])}"
        return CLIENTS[group[0].client][1]((), place.chains.trust, [Post(f"https://{HOST}/", proxy)])

    with made.skipping(those), PARENTS[part](place) as parent:
        settings = parent_gate_settings(parent, more=_MORE, connect_to=connect_to(part, place.target))
        with Gate(place.folder, settings.replace(LISTEN, LISTEN * len(those))) as gate:
            made.run(gate, those, [[case] for case in those], post)
        if looking := [case for case in those if case.scenario.look]:
            port = int(parent.rpartition(":")[2])
            report = look_at_all({HOST: place.target}, place.chains.trust.pem, port)[HOST]
            made.reports |= dict.fromkeys(looking, report)


@pytest.mark.parametrize("case", cases("parents"), ids=str)
def test_the_trouble_of_a_parent_is_named(case: Case, matrix: Matrix) -> None:
    assert_named(case, matrix.result(case))


def test_explain_names_every_failure_in_the_log(matrix: Matrix) -> None:
    assert_explained(matrix.logs)
