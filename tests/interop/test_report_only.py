"""An operator's way to an allowlist: look on, have the rules suggested, apply them with patch, then enforce."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authority import Authority
from support.gate import COMMAND, Gate, gate_settings
from support.licensing_exchange import MESSAGE, assert_posted, assert_served
from support.programs import run
from support.requirements import require_command
from support.standin import CALL_HOME_PATH, StandIn

REPORTED = {"smartreceiver.cisco.com": "target_in_preset", "ssm.example.net": "target_not_allowed"}
"""Targets that the default allowlist does not allow, and what it would have said."""

every_target = pytest.mark.parametrize(("host", "outcome"), REPORTED.items(), ids=REPORTED.keys())


@pytest.fixture
def standin(authority: Authority) -> Iterator[StandIn]:
    with StandIn(authority, tuple(REPORTED)) as server:
        yield server


@pytest.fixture
def settings(standin: StandIn) -> str:
    ways = (f"{host}:443:127.0.0.1:{standin.port}" for host in REPORTED)
    return gate_settings(*ways, more='[allowlist]\npresets = ["cisco-licensing"]\nmode = "report"\n')


@pytest.fixture
def gate(tmp_path: Path, settings: str) -> Iterator[Gate]:
    """A gate that only reports."""
    with Gate(tmp_path, settings) as running:
        yield running


def post(gate: Gate, authority: Authority, host: str, *way: str) -> subprocess.CompletedProcess[str]:
    way = way or ("--proxy", gate.url)
    fixed = ("--silent", "--show-error", "--cacert", authority.root, "--data-binary", "@-")
    return run(require_command("curl", "curl"), *fixed, *way, f"https://{host}{CALL_HOME_PATH}", stdin=MESSAGE)


@every_target
def test_target_to_be_refused_passes_and_is_reported(
    gate: Gate, standin: StandIn, authority: Authority, host: str, outcome: str
) -> None:
    done = post(gate, authority, host)

    assert '"stand_in": true' in done.stdout, done.stderr
    assert_posted([standin], 1)
    (record,) = gate.records(1)
    assert_served(record)
    assert (record["reported"], record["allowed"]) == (outcome, False)
    assert "rule" not in record


def test_bare_tls_to_a_name_not_allowed_passes_and_is_reported(gate: Gate, authority: Authority) -> None:
    host = "ssm.example.net"

    done = post(gate, authority, host, "--connect-to", f"{host}:443:127.0.0.1:{gate.port}")

    assert '"stand_in": true' in done.stdout, done.stderr
    (record,) = gate.records(1)
    assert_served(record)
    assert (record["protocol"], record["reported"]) == ("tls", "server_name_not_allowed")


def test_reported_tunnel_gets_the_same_checks_inside(gate: Gate, authority: Authority) -> None:
    elsewhere = ("--connect-to", "ssm.example.net:443:smartreceiver.cisco.com:443")

    done = post(gate, authority, "ssm.example.net", "--proxy", gate.url, *elsewhere)

    assert "unrecognized name" in done.stderr
    (record,) = gate.records(1)
    assert (record["outcome"], record["reported"]) == ("server_name_mismatch", "target_in_preset")


def test_suggested_rules_allow_the_reported_targets(
    tmp_path: Path, settings: str, standin: StandIn, authority: Authority
) -> None:
    with Gate(tmp_path, settings) as looking_on:
        for host in REPORTED:
            post(looking_on, authority, host)
        looking_on.records(len(REPORTED))
    suggested = run(COMMAND, "suggest-rules", "--config", looking_on.settings, tmp_path / "access.jsonl")
    assert suggested.returncode == 0, suggested.stderr
    assert '+host = "ssm.example.net"\n' in suggested.stdout

    patch = require_command("patch", "patch")
    applied = run(patch, "--quiet", looking_on.settings, stdin=suggested.stdout.encode())
    assert applied.returncode == 0, applied.stdout + applied.stderr

    (tmp_path / "access.jsonl").unlink()
    enforced = looking_on.settings.read_text().replace('mode = "report"', 'mode = "enforce"')
    with Gate(tmp_path, enforced) as enforcing:
        for host in REPORTED:
            done = post(enforcing, authority, host)
            assert '"stand_in": true' in done.stdout, done.stderr
        for record in enforcing.records(len(REPORTED)):
            assert record["allowed"]
            assert "reported" not in record
