"""The host is booted, and the gate installed on it, once for all tests here."""

from collections.abc import Iterator

import pytest

from support.host import Host


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A host on which the commands of docs/operations.md have been typed."""
    with Host() as booted:
        yield booted
