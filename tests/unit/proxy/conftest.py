"""Fixtures for tests with sockets."""

import contextlib
from collections.abc import Iterator

import pytest

from licensegate.proxy.dial import dialer as dialer_module
from support.dial_harness import LoopbackServer
from support.sockets import BlackHole
from support.tunnel_harness import BlockedLookup


@pytest.fixture
def hole() -> Iterator[BlackHole]:
    """An address that answers nothing."""
    with contextlib.closing(BlackHole("127.0.0.1")) as made:
        yield made


@pytest.fixture
def slow_names() -> Iterator[BlockedLookup]:
    """A resolver function that blocks until the test releases it."""
    names = BlockedLookup()
    yield names
    names.released.set()


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A target that can be connected."""
    with contextlib.closing(LoopbackServer()) as made:
        yield made


@pytest.fixture
def attempts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the delay before the next address is tried."""
    monkeypatch.setattr(dialer_module, "_ATTEMPT_DELAY", 0.02)
