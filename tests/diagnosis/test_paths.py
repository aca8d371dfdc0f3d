"""DNS that answers wrongly and firewalls that refuse, drop and lose, and the gate's finding for each."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.client_program import Post
from support.matrix.chains import Chains, make_chains
from support.matrix.clients import CLIENTS
from support.matrix.paths import ROUTES, run_route
from support.matrix.results import GATES_AT_ONCE, Matrix, assert_named, wanted_cases
from support.matrix.scenario import Case, cases

pytestmark = pytest.mark.timeout(600)  # the first test runs all clients


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Every client of this run, each with a gate in a network of its own."""
    made = Matrix()
    chains = make_chains(tmp_path_factory.mktemp("paths"))
    with ThreadPoolExecutor(GATES_AT_ONCE) as pool:
        for case in wanted_cases(request, "paths"):
            pool.submit(run_case, made, case, chains, tmp_path_factory.mktemp(case.label))
    return made


def run_case(made: Matrix, case: Case, chains: Chains, folder: Path) -> None:
    """Run the client of one case."""
    route = ROUTES[case.scenario.part]
    with made.skipping([case]), run_route(route, chains, folder) as (gate, inside):
        url, post = f"https://{route.host}/", CLIENTS[case.client][1]
        made.run(gate, [case], [[case]], lambda gate, group: post(inside, chains.trust, [Post(url, gate.url)]))


@pytest.mark.parametrize("case", cases("paths"), ids=str)
def test_what_happens_on_the_way_is_named(case: Case, matrix: Matrix) -> None:
    assert_named(case, matrix.result(case))
