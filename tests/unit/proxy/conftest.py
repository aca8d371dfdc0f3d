"""Fixtures for the parts that touch sockets."""

import contextlib
from collections.abc import Iterator

import pytest

from licensegate.proxy.dial import dialer as dialer_module
from support.dial_harness import Server
from support.sockets import BlackHole
from support.tunnel_harness import SlowNames


@pytest.fixture
def hole() -> Iterator[BlackHole]:
    """An address that answers nothing."""
    with contextlib.closing(BlackHole("127.0.0.1")) as made:
        yield made


@pytest.fixture
def slow_names() -> Iterator[SlowNames]:
    """A resolver that answers when it is told to."""
    names = SlowNames()
    yield names
    names.now.set()


@pytest.fixture
def server() -> Iterator[Server]:
    """A target that can be connected."""
    with contextlib.closing(Server()) as made:
        yield made


@pytest.fixture
def attempts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next address is tried soon, for a test that waits for it."""
    monkeypatch.setattr(dialer_module, "_ATTEMPT_DELAY", 0.02)
