"""A client that knows no login, and the password file of the gate."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.authority import Authority
from support.gate import Gate
from support.licensing_exchange import MESSAGE, URL
from support.programs import run
from support.requirements import require_command
from support.squid import PASSWORD


@pytest.fixture
def post(authority: Authority) -> Callable[[Gate], subprocess.CompletedProcess[str]]:
    """curl, which posts a licensing message through a gate without a login."""
    command = require_command("curl", "curl")

    def call(gate: Gate) -> subprocess.CompletedProcess[str]:
        fixed = ("--silent", "--show-error", "--include", "--proxy", gate.url, "--cacert", authority.root)
        return run(command, *fixed, "--data-binary", "@-", URL, stdin=MESSAGE)

    return call


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The password file for the account at squid."""
    file = tmp_path / "parent.secret"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)
    return file
