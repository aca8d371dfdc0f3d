"""What `check --tests` says of a target is what the gate does with it, and each rule is counted where it decides."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.flood import leaves_nothing_open
from support.gate import ANYTHING, COMMAND, Gate, gate_settings
from support.programs import run
from support.raw_client import dial, read_answer
from support.upstream import Upstream, echo

RULES = """
[[allowlist.rule]]
host = "ssm.example.net"
[[allowlist.rule]]
host = "*.example.org"
networks = ["10.9.0.0/16"]
[[allowlist.rule]]
host = "here.example.org"
port = 8443
networks = ["127.0.0.1"]
[[allowlist.rule]]
host = "new.example.com"
report = true
"""
DIALLED = ("tools.cisco.com:443", "ssm.example.net:443", "here.example.org:8443", "new.example.com:443")
REFUSED = (
    "tools.cisco.com:80",
    "smartreceiver.cisco.com:443",
    "evil.example:443",
    "ssm.example.net:8443",
    "deep.ssm.example.net:443",
    "x.example.org:443",
    "here.example.org:443",
    "192.0.2.7:443",
)
REPORTED = "new.example.com:443"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate with these rules, and an upstream in the place of each target that it may dial."""
    with Upstream(echo) as upstream:
        ways = [f"{target}:127.0.0.1:{upstream.port}" for target in DIALLED]
        (tmp_path / "state").mkdir()
        more = f'{RULES}{ANYTHING}[state]\ndirectory = "state"\n'
        with Gate(tmp_path, gate_settings(*ways, more=more)) as running:
            yield running


def said(gate: Gate, target: str) -> tuple[str, str]:
    """What the gate does with a CONNECT to this target: expectation and outcome as a test writes them."""
    with dial(gate) as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        answer = read_answer(connection)
    if answer.status == 200:
        return ("report" if target == REPORTED else "allow"), ""
    return "deny", answer.outcome


def written(folder: Path, cases: dict[str, tuple[str, str]]) -> Path:
    """A file of tests with these expectations."""
    file = folder / "tests.toml"
    file.write_text(
        "".join(
            f'[[test]]\nclient = "127.0.0.1"\ntarget = "{target}"\nexpect = "{expect}"\n'
            + (f'outcome = "{outcome}"\n' if outcome else "")
            for target, (expect, outcome) in cases.items()
        )
    )
    return file


def test_tests_of_the_allowlist_agree_with_the_gate(gate: Gate, tmp_path: Path) -> None:
    with leaves_nothing_open(gate):
        cases = {target: said(gate, target) for target in (*DIALLED, *REFUSED)}
    right = run(COMMAND, "check", gate.settings, "--tests", written(tmp_path, cases))
    opposite = {"allow": ("deny", ""), "report": ("allow", ""), "deny": ("allow", "")}
    wrong = run(
        COMMAND,
        "check",
        gate.settings,
        "--tests",
        written(tmp_path, {target: opposite[expect] for target, (expect, _) in cases.items()}),
    )

    assert {target for target, (expect, _) in cases.items() if expect == "deny"} == set(REFUSED)
    assert right.returncode == 0, right.stderr
    assert wrong.returncode == 1
    assert [target for target in cases if target not in wrong.stderr] == []


def test_each_rule_is_counted_where_it_decides(gate: Gate) -> None:
    for target in (*DIALLED, *DIALLED[:2], *REFUSED):
        said(gate, target)
    gate.records(len(DIALLED) + 2 + len(REFUSED))
    done = run(COMMAND, "rules", "--config", gate.settings, "--json")

    assert done.returncode == 0, done.stderr
    hits = {row["rule"]: row["hits"] for row in json.loads(done.stdout)["rules"]}
    assert {rule: count for rule, count in hits.items() if count} == {
        "tools.cisco.com:443": 2,
        "ssm.example.net:443": 2,
        "here.example.org:8443": 1,
    }
