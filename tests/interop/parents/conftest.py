"""The client of a gate that reaches its targets through a parent proxy."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.authority import Authority
from support.exchange import MESSAGE, URL
from support.gate import Gate
from support.programs import run
from support.requirements import require_command
from support.squid import PASSWORD


@pytest.fixture
def post(authority: Authority) -> Callable[[Gate], subprocess.CompletedProcess[str]]:
    """curl, which posts a licensing message through a gate and is told of no login."""
    command = require_command("curl", "curl")

    def call(gate: Gate) -> subprocess.CompletedProcess[str]:
        fixed = ("--silent", "--show-error", "--include", "--proxy", gate.url, "--cacert", authority.root)
        return run(command, *fixed, "--data-binary", "@-", URL, stdin=MESSAGE)

    return call


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The file with the password of the squids' account."""
    file = tmp_path / "parent.secret"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)
    return file
