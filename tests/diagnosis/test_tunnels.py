"""Tunnels of real clients to targets that are well or fail, and the gate's finding for each."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Sequence

import pytest

from licensegate.allowlist.preset import load_presets
from support.client_program import Post
from support.gate import Gate, gate_settings
from support.matrix.chains import DOMAIN, Chains, make_chains
from support.matrix.clients import CLIENTS, posts_at_once
from support.matrix.looks import look_at_all
from support.matrix.programs import programs
from support.matrix.results import LISTEN, Matrix, assert_explained, assert_named, port_of, wanted_cases
from support.matrix.scenario import Case, cases, scenarios
from support.matrix.servers import run_servers

pytestmark = pytest.mark.timeout(600)  # the first test runs all clients

_LIMITS = "[limits]\nidle_seconds = 8\nhalf_closed_seconds = 3\n\n"

PRESETS = load_presets()
PUBLIC_HOSTS = sorted({entry.host for preset in PRESETS.values() for entry in preset.entries})
"""The hosts of the presets. Only for those does the gate know that a public authority must have signed."""

LOOKED_AT = sorted({(one.part, one.root) for one in scenarios("tunnels") if one.look})
"""What the gate looks at: each part has one of these hosts, and another for clients without the root."""


def host(case: Case) -> str:
    """A target of this case alone, or a public host."""
    scenario = case.scenario
    return PUBLIC_HOSTS[LOOKED_AT.index((scenario.part, scenario.root))] if scenario.look else f"{case.label}.{DOMAIN}"


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Every client of this run, with its own target, through one gate."""
    folder, made, asked = tmp_path_factory.mktemp("tunnels"), Matrix(), wanted_cases(request, "tunnels")
    chains = make_chains(folder)
    parts = {case.scenario.part for case in asked} | {"good"}
    with contextlib.ExitStack() as stack:
        ports = dict(stack.enter_context(run_servers(chains, parts)))
        for part, program in programs(chains, folder, ports["good"]).items():
            if part in parts:
                with made.skipping([case for case in asked if case.scenario.part == part]):
                    ports[part] = stack.enter_context(program())
        wanted = [case for case in asked if case.scenario.part in ports]
        to = dict.fromkeys(f"{host(case)}:443:127.0.0.1:{ports[case.scenario.part]}" for case in wanted)
        own = [host(case) for case in wanted if not case.scenario.look]
        rules = "".join(f'[[allowlist.rule]]\nhost = "{name}"\n' for name in own)
        settings = gate_settings(*to, more=f"{_LIMITS}[allowlist]\npresets = {json.dumps(list(PRESETS))}\n{rules}")
        settings = settings.replace(LISTEN, LISTEN * len(wanted))
        with Gate(folder, settings) as gate:
            made.run(gate, wanted, grouped(wanted), lambda gate, group: post(gate, wanted, group, chains))
        looks = {host(case): ports[case.scenario.part] for case in wanted if case.scenario.look}
        reports = look_at_all(looks, chains.trust.pem)
        made.reports |= {case: reports[host(case)] for case in wanted if case.scenario.look}
    return made


def grouped(wanted: Sequence[Case]) -> list[list[Case]]:
    """The cases that one process runs."""
    groups: dict[object, list[Case]] = defaultdict(list)
    for case in wanted:
        groups[(case.client, case.scenario.root)].append(case)
    return [
        cases[first : first + posts_at_once(cases[0].client)]
        for cases in groups.values()
        for first in range(0, len(cases), posts_at_once(cases[0].client))
    ]


def post(gate: Gate, wanted: Sequence[Case], group: Sequence[Case], chains: Chains) -> list[str]:
    """Run the client of this group."""
    trust = chains.trust if group[0].scenario.root else chains.unrelated
    posts = [Post(f"https://{host(case)}/", f"http://127.0.0.1:{port_of(gate, wanted, case)}") for case in group]
    return CLIENTS[group[0].client][1]((), trust, posts)


@pytest.mark.parametrize("case", cases("tunnels"), ids=str)
def test_the_end_of_a_tunnel_is_named(case: Case, matrix: Matrix) -> None:
    assert_named(case, matrix.result(case))


def test_explain_names_every_failure_in_the_log(matrix: Matrix) -> None:
    assert_explained(matrix.logs)
