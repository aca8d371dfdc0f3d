"""Gates where everybody must log in: one for all that get in, and a new one for each test of what does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import login_gate as gates
from support.authority import Authority
from support.login_gate import Strict


@pytest.fixture(scope="session")
def _strict(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Strict]:
    with gates.strict(tmp_path_factory.mktemp("strict"), authority) as made:
        yield made


@pytest.fixture
def strict(_strict: Strict) -> Strict:
    """The same for all, but that each test sees only what it did itself; for logins that are right."""
    _strict.gate.forget_records()
    return _strict


@pytest.fixture
def fresh(tmp_path: Path, authority: Authority) -> Iterator[Strict]:
    """One of its own, which remembers nobody's failures."""
    with gates.strict(tmp_path, authority) as made:
        yield made
