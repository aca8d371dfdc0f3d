"""Boots the host and installs the gate on it, once for all tests here."""

from collections.abc import Iterator

import pytest

from support.host import Host


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A host on which the commands of docs/operations.md were run."""
    with Host() as booted:
        yield booted
