"""Gates that require logins: one shared by tests of right logins, and a new one for each test of failures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authority import Authority
from support.login_gate import LoginGate, run_login_gate


@pytest.fixture(scope="session")
def _login_gate(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[LoginGate]:
    with run_login_gate(tmp_path_factory.mktemp("login-gate"), authority) as login_gate:
        yield login_gate


@pytest.fixture
def login_gate(_login_gate: LoginGate) -> LoginGate:
    """A gate shared by all tests, for right logins. Each test sees only its own records."""
    _login_gate.gate.forget_records()
    return _login_gate


@pytest.fixture
def fresh(tmp_path: Path, authority: Authority) -> Iterator[LoginGate]:
    """A new gate, which has seen no failed logins."""
    with run_login_gate(tmp_path, authority) as login_gate:
        yield login_gate
