"""One testbed for all clients. It is cleared before each test."""

from collections.abc import Iterator

import pytest

from support.authority import Authority
from support.testbed import Testbed, open_testbed


@pytest.fixture(scope="session")
def _testbed(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Testbed]:
    with open_testbed(tmp_path_factory.mktemp("testbed"), authority) as made:
        yield made


@pytest.fixture
def testbed(_testbed: Testbed) -> Testbed:
    _testbed.clear()
    return _testbed
