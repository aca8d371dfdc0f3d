"""The three health questions, and that readiness does not depend on the targets unless it is set to."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest

from licensegate.app.admin.health import Health
from licensegate.app.admin.page import PageAnswer
from licensegate.app.overview.upstreams import Upstream, Upstreams
from licensegate.proxy.net.listener import Listener
from support.sockets import run


class FakeListener:
    def __init__(self, name: str, *, accepts: bool = True) -> None:
        self.name = name
        self.accepts = accepts


class FakeGate:
    """A gate with these listeners."""

    def __init__(self, *listeners: FakeListener) -> None:
        self.listeners = cast(Sequence[Listener], listeners)
        self.draining = False


class FakeUpstreams:
    """Targets with these results; `asked` counts the questions."""

    def __init__(self, *reached: bool | None) -> None:
        self.known = [Upstream(f"host-{number}.example:443", one) for number, one in enumerate(reached)]
        self.asked = 0
        self.looks_wanted = 0

    def want_looks(self) -> None:
        self.looks_wanted += 1

    async def check(self) -> list[Upstream]:
        self.asked += 1
        await asyncio.sleep(0)
        return self.known

    async def reaches_any(self) -> bool:
        return not self.known or any(one.reached for one in await self.check())


def said(answer: PageAnswer) -> tuple[int, Any]:
    """The status and the body of an answer."""
    return answer.status, answer.body


LISTENERS = FakeListener("0.0.0.0:3128"), FakeListener("[::]:3128")


def health(gate: FakeGate, upstreams: FakeUpstreams, *, needs_upstream: bool = False) -> Health:
    return Health(gate, cast(Upstreams, upstreams), ready_needs_upstream=needs_upstream)


def test_healthz_is_always_200() -> None:
    gate = FakeGate()
    gate.draining = True

    status, body = said(health(gate, FakeUpstreams(False)).healthz())

    assert (status, msgspec.json.encode(body)) == (200, b'{"status":"ok"}')


def test_a_listening_gate_is_ready_even_if_its_targets_fail() -> None:
    upstreams = FakeUpstreams(False, None)

    status, body = said(run(health(FakeGate(*LISTENERS), upstreams).readyz()))

    assert (status, body.status, body.listeners) == (200, "ready", ["0.0.0.0:3128", "[::]:3128"])
    assert upstreams.asked == 0, "readyz does not ask for targets"


def test_a_draining_gate_is_not_ready() -> None:
    gate = FakeGate()
    gate.draining = True

    assert said(run(health(gate, FakeUpstreams()).readyz()))[0] == 503
    assert said(run(health(gate, FakeUpstreams()).readyz()))[1].status == "draining"


def test_a_listener_waiting_for_descriptors_is_not_ready() -> None:
    paused = FakeListener("0.0.0.0:3128", accepts=False)

    status, body = said(run(health(FakeGate(paused), FakeUpstreams()).readyz()))
    assert (status, body.status, body.listeners) == (503, "not_accepting", [])

    status, body = said(run(health(FakeGate(paused, LISTENERS[1]), FakeUpstreams()).readyz()))
    assert (status, body.status, body.listeners) == (200, "ready", ["[::]:3128"])


@pytest.mark.parametrize(
    ("reached", "ready"),
    [
        pytest.param((True, True), True, id="all are reached"),
        pytest.param((True, False), True, id="one is not reached"),
        pytest.param((False, False), False, id="no target reached"),
        pytest.param((None, False), False, id="reach unknown"),
        pytest.param((), True, id="there are none"),
    ],
)
def test_ready_needs_upstream_needs_one_reached_target(reached: tuple[bool | None, ...], ready: bool) -> None:
    status, body = said(run(health(FakeGate(*LISTENERS), FakeUpstreams(*reached), needs_upstream=True).readyz()))

    assert (status, body.status) == ((200, "ready") if ready else (503, "no_upstream"))
    assert body.listeners, "it listens all the same"


@pytest.mark.parametrize(
    ("reached", "status", "state"),
    [
        pytest.param((True, True), 200, "reached", id="all are reached"),
        pytest.param((True, False), 503, "not_reached", id="one is not reached"),
        pytest.param((None, False), 503, "not_reached", id="one is not reached and one not known"),
        pytest.param((True, None), 503, "unknown", id="one is not known"),
        pytest.param((), 200, "reached", id="there are none"),
    ],
)
def test_upstreamz_is_200_if_every_target_is_reached(reached: tuple[bool | None, ...], status: int, state: str) -> None:
    upstreams = FakeUpstreams(*reached)

    given, body = said(run(health(FakeGate(), upstreams).upstreamz()))

    assert (given, body.status, body.targets) == (status, state, upstreams.known)
    assert upstreams.looks_wanted == 1
