"""One lab for all clients. It is cleared before each test."""

from collections.abc import Iterator

import pytest

from support.authority import Authority
from support.lab import Lab, open_lab


@pytest.fixture(scope="session")
def _lab(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("lab"), authority) as made:
        yield made


@pytest.fixture
def lab(_lab: Lab) -> Lab:
    _lab.clear()
    return _lab
