"""Three questions kept apart: does the process live, does it take clients, can it reach Cisco?

A balancer asks the second. It must not hear of the third unless `ready_needs_upstream` is set: one slow resolver would
take every gate of a pair out at once.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from licensegate.proxy.net.listener import Listener

from .upstreams import Upstream, Upstreams


class Listening(Protocol):
    """What is asked of the gate."""

    @property
    def listeners(self) -> Sequence[Listener]:
        """Those that are bound."""

    @property
    def draining(self) -> bool:
        """Whether it takes no more clients."""


class Alive(Struct, frozen=True):
    """The body of /healthz."""

    status: str = "ok"


class Ready(Struct, frozen=True):
    """The body of /readyz. `listeners` are the addresses that take clients."""

    status: str
    listeners: list[str]


class Reaches(Struct, frozen=True):
    """The body of /upstreamz."""

    status: str
    targets: list[Upstream]


class Health:
    """Answers each question by a status and a body that says the same with the reason.

    `ready_needs_upstream`: whether a gate that can reach no target is ready; it may be changed.
    """

    def __init__(self, gate: Listening, upstreams: Upstreams, *, ready_needs_upstream: bool = False) -> None:
        self._gate = gate
        self._upstreams = upstreams
        self.ready_needs_upstream = ready_needs_upstream

    async def alive(self) -> tuple[int, Alive]:
        """Whoever can answer lives."""
        return 200, Alive()

    async def ready(self) -> tuple[int, Ready]:
        """Whether a client that connects now is served; it may be served all but the target that it wants."""
        status = await self._readiness()
        listeners = [listener.name for listener in self._gate.listeners if listener.accepts]
        return 200 if status == "ready" else 503, Ready(status, listeners)

    async def reaches(self) -> tuple[int, Reaches]:
        """Whether every target can be reached, one that is not known yet being one that cannot."""
        targets = await self._upstreams.look()
        if all(target.reached for target in targets):
            return 200, Reaches("reached", targets)
        return 503, Reaches("not_reached" if any(target.reached is False for target in targets) else "unknown", targets)

    async def _readiness(self) -> str:
        if self._gate.draining:
            return "draining"
        if not any(listener.accepts for listener in self._gate.listeners):
            return "not_accepting"
        if self.ready_needs_upstream:
            targets = await self._upstreams.look()
            if targets and not any(target.reached for target in targets):
                return "no_upstream"
        return "ready"
