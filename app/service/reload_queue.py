"""Runs reloads one after another. Requests that come while one runs share the next one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from licensegate.records.requester import Requester

from .control_protocol import Reply

Reload = Callable[[tuple[Requester, ...], bool], Awaitable[Reply]]
"""Reloads for these requesters; the flag says whether settings that were emptied are accepted."""

Failed = Callable[[tuple[Requester, ...], str], object]
"""Takes note of the requesters of a reload that a fault has ended, and of what they are told."""

_log = logging.getLogger(__name__)


class ReloadQueue:
    """Collects requests for a reload. `failed` is called if a fault in the gate ends one.

    Needs a running event loop.
    """

    def __init__(self, reload: Reload, failed: Failed = lambda requesters, reason: None) -> None:
        self._reload = reload
        self._failed = failed
        self._one_at_a_time = asyncio.Lock()
        self._next: _Run | None = None

    def request(self, requester: Requester, *, defaults: bool = False) -> asyncio.Future[Reply]:
        """Return the reply, to come, of a reload that begins after this call.

        With `defaults`, settings that were emptied are accepted.
        """
        if self._next is None:
            self._next = _Run()
            self._next.task = asyncio.create_task(self._carry_out(self._next))
        self._next.requesters[requester] = None
        self._next.defaults |= defaults
        return asyncio.shield(self._next.task)  # one requester who leaves does not cancel it for the others

    async def alone(self, work: Callable[[], Awaitable[Reply]]) -> Reply:
        """Do other work while no reload runs. Reloads that are requested meanwhile begin after it."""
        async with self._one_at_a_time:
            return await work()

    async def _carry_out(self, run: "_Run") -> Reply:
        async with self._one_at_a_time:
            self._next = None  # a request from now on may be for a file that has been read already
            requesters = tuple(run.requesters)
            try:
                return await self._reload(requesters, run.defaults)
            except Exception:
                _log.exception("a fault in the gate ended a reload")
                reason = "a fault in the gate ended the reload; see its log"
                self._failed(requesters, reason)
                return Reply(False, reason)


class _Run:
    """A reload that has not begun, and its requesters in order."""

    task: asyncio.Task[Reply]

    def __init__(self) -> None:
        self.requesters: dict[Requester, None] = {}
        self.defaults = False
