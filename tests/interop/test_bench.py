"""A small benchmark run, so that `make bench` keeps working."""

import json
import subprocess
import sys
from pathlib import Path

_RUN = Path(__file__).parents[2] / "bench" / "run.py"
_SMALL = ("--tunnels=50", "--rounds=1", "--serial=10", "--idle=20", "--megabytes=2")


def test_a_small_run_measures_cpu_per_tunnel(tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.json"
    command = [sys.executable, str(_RUN), *_SMALL, "--only=licensegate", f"--json={numbers}"]

    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    row = next(line for line in run.stdout.splitlines() if line.startswith("licensegate"))
    assert int(row.split()[1]) > 0
    (result,) = json.loads(numbers.read_text())
    assert result["rounds"][0]["cpu_per_tunnel"] > 0
