"""A resolver's clock and name server."""

from collections.abc import Iterator

import pytest

from licensegate.proxy.dial import resolver as resolver_module
from support.resolver_harness import ONE, NameServer, ResolverClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ResolverClock:
    clock = ResolverClock()
    monkeypatch.setattr(resolver_module, "time", clock)
    return clock


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer(ONE)
    yield server
    for event in server.hanging.values():
        event.set()
