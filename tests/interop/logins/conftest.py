"""Gates where everybody must log in: one for all that get in, and a new one for each test of what does not."""

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
    """The same for all, but that each test sees only what it did itself; for logins that are right."""
    _login_gate.gate.forget_records()
    return _login_gate


@pytest.fixture
def fresh(tmp_path: Path, authority: Authority) -> Iterator[LoginGate]:
    """One of its own, which remembers nobody's failures."""
    with run_login_gate(tmp_path, authority) as login_gate:
        yield login_gate
