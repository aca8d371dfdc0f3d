"""What clients say to the gate itself, such as wrong addresses and logins, and the gate's finding for each."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from support.gate import Gate
from support.matrix.chains import Chains, make_chains
from support.matrix.gates import GATES, settings_of
from support.matrix.requests import REQUESTS, Asked
from support.matrix.results import Matrix, assert_explained, assert_named, port_of, wanted_cases
from support.matrix.scenario import Case, cases
from support.matrix.servers import run_servers

pytestmark = pytest.mark.timeout(600)  # the first test runs all clients


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Every client of this run. Those of one gate run at the same time."""
    made, wanted = Matrix(), wanted_cases(request, "requests")
    chains = make_chains(tmp_path_factory.mktemp("requests"))
    with run_servers(chains, {target for _, target in GATES.values()}) as ports:
        for part in dict.fromkeys(case.scenario.part for case in wanted):
            folder = tmp_path_factory.mktemp(part)
            those = [case for case in wanted if case.scenario.part == part]
            with Gate(folder, settings_of(part, folder, ports, len(those) + 1)) as gate:
                made.run(gate, those, [[case] for case in those], asking(those, chains, folder))
    return made


def asking(those: Sequence[Case], chains: Chains, folder: Path):  # type: ignore[no-untyped-def]
    """A function that runs the client of one case."""

    def ask(gate: Gate, group: Sequence[Case]) -> list[str]:
        _, request = REQUESTS[group[0].client]
        return [request(Asked(gate, port_of(gate, those, group[0]), chains.trust, folder))]

    return ask


@pytest.mark.parametrize("case", cases("requests"), ids=str)
def test_what_a_client_asks_of_the_gate_is_named(case: Case, matrix: Matrix) -> None:
    assert_named(case, matrix.result(case))


def test_explain_names_every_failure_in_the_log(matrix: Matrix) -> None:
    assert_explained(matrix.logs)
