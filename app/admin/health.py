"""Three separate health questions: is the process alive, does it accept clients, can it reach Cisco?

A balancer asks the second. Its answer depends on the third only if `ready_needs_upstream` is set: otherwise one slow
resolver would take both gates of a pair out of service at once.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from licensegate.app.overview.upstreams import Upstream, Upstreams
from licensegate.proxy.net.listener import Listener

from .page import PageAnswer


class GateState(Protocol):
    """The part of the gate that health depends on."""

    @property
    def listeners(self) -> Sequence[Listener]:
        """The bound listeners."""

    @property
    def draining(self) -> bool:
        """Whether the gate is stopping and takes no more clients."""


class Healthz(Struct, frozen=True):
    """The body of /healthz."""

    status: str = "ok"


class Readyz(Struct, frozen=True):
    """The body of /readyz. `listeners` are the addresses that accept clients."""

    status: str
    listeners: list[str]


class Upstreamz(Struct, frozen=True):
    """The body of /upstreamz."""

    status: str
    targets: list[Upstream]


class Health:
    """Answers each question with a status and a body that gives the reason.

    `ready_needs_upstream`: a gate that reaches no target is not ready. May be changed while running.
    """

    def __init__(self, gate: GateState, upstreams: Upstreams, *, ready_needs_upstream: bool = False) -> None:
        self._gate = gate
        self._upstreams = upstreams
        self.ready_needs_upstream = ready_needs_upstream

    def healthz(self) -> PageAnswer:
        """Always 200."""
        return PageAnswer(Healthz())

    async def readyz(self) -> PageAnswer:
        """200 if a client that connects now is served, else 503."""
        status = await self._readiness()
        listeners = [listener.name for listener in self._gate.listeners if listener.accepts]
        return PageAnswer(Readyz(status, listeners), 200 if status == "ready" else 503)

    async def upstreamz(self) -> PageAnswer:
        """200 if every target can be reached, else 503. A target that is not known yet counts as not reached."""
        self._upstreams.want_looks()
        targets = await self._upstreams.check()
        if all(target.reached for target in targets):
            return PageAnswer(Upstreamz("reached", targets))
        status = "not_reached" if any(target.reached is False for target in targets) else "unknown"
        return PageAnswer(Upstreamz(status, targets), 503)

    async def _readiness(self) -> str:
        if self._gate.draining:
            return "draining"
        if not any(listener.accepts for listener in self._gate.listeners):
            return "not_accepting"
        if self.ready_needs_upstream and not await self._upstreams.reaches_any():
            return "no_upstream"
        return "ready"
