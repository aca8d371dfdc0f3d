"""A small benchmark run, so that `make bench` keeps working, and what its tunnels are to the gate."""

import json
import subprocess
import sys
from pathlib import Path

import exchange
import rounds
from credentials import certificate
from gates import TARGET_HOST
from load import Client
from route import Route

from support.gate import Gate, gate_settings

_RUN = Path(__file__).parents[2] / "bench" / "run.py"
_SMALL = ("--tunnels=50", "--rounds=1", "--serial=10", "--crowds=20", "--newcomers=10", "--megabytes=2")
_EVERYTHING = ("licensegate", "licensegate+exchange", "licensegate+tls")
_ALLOWED = """
[[allowlist.rule]]
host = "localhost"
port = {port}
private = true
"""


def test_a_small_run_measures_everything_about_the_gate(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.json"
    command = [sys.executable, str(_RUN), *_SMALL, *(f"--only={name}" for name in _EVERYTHING), f"--json={numbers}"]

    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "CPU per tunnel" in run.stdout
    report = json.loads(numbers.read_text())
    found = {(sample["contender"], sample["quantity"]): sample["value"] for sample in report["samples"]}
    assert {name for name, _ in found} == set(_EVERYTHING)
    for quantity in (
        *("cpu_per_tunnel", "serial_p99", "cpu_per_gigabyte_1", "cpu_per_gigabyte_5", "cpu_per_gigabyte_10"),
        *("start_cpu", "bytes_at_rest", "crowd_cpu_20", "crowd_p99_20"),
    ):
        assert found["licensegate", quantity] > 0, quantity
    assert all(found[name, "cpu_per_tunnel"] > 0 for name in _EVERYTHING)
    assert ("licensegate", "bytes_per_idle_tunnel") in found  # a few tunnels may fit into what was freed before


def test_a_repeated_exchange_is_an_answered_contact_to_the_gate(tmp_path: Path) -> None:
    said = exchange.record(TARGET_HOST, *certificate(tmp_path))
    with (
        rounds.origin(1, tmp_path, said) as (port,),
        Gate(tmp_path, gate_settings(more=_ALLOWED.format(port=port))) as gate,
    ):
        run = Client(Route(gate.port, TARGET_HOST, port, exchange=said)).run(3, 2)
        records = gate.records(at_least=3)

    assert len(run.first_byte) == 3
    assert [(record["contact"], record["outcome"]) for record in records] == [("answered", "closed_by_client")] * 3
