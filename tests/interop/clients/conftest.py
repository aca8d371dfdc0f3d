"""A gate for all that come through its doors: set up once, and each test sees only what it did itself."""

from collections.abc import Iterator

import pytest

from support import testbed as places
from support.authority import Authority
from support.testbed import Place


@pytest.fixture(scope="session")
def _place(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Place]:
    with places.place(tmp_path_factory.mktemp("place"), authority) as made:
        yield made


@pytest.fixture
def place(_place: Place) -> Place:
    _place.begin()
    return _place
