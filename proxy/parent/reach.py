"""A parent proxy's connection and a target's addresses, by the gate's own dialer and resolver, but awaited.

The dialer brings Happy Eyeballs, the checks and what the record says of them. A parent's address was named by the
operator, so it may be private; the gate itself it may not be.
"""

import asyncio

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from ..dial.address_selection import may_be_dialled, why_none
from ..dial.dialer import Dialer
from ..dial.resolver import Resolution, Resolved, Unresolved
from ..net.channel import Channel


class ParentError(Exception):
    """There is no tunnel by this way. `detail` is for the outcome's sentence."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(f"{outcome.label}: {detail}")
        self.outcome = outcome
        self.detail = detail


async def reach(dialer: Dialer, host: str, port: int, record: TunnelRecord) -> Channel:
    """A connection to a parent proxy. Raises ParentError."""
    waiting = _Waiting(dialer, record)
    in_progress = dialer.prepare(Target(host, port), Rule(host, port, private=True), waiting)
    in_progress.start()
    try:
        return await waiting.done
    except asyncio.CancelledError:
        in_progress.abandon()
        waiting.drop()
        raise


async def checked_addresses(dialer: Dialer, target: Target, rule: Rule) -> list[str]:
    """The addresses of a target at which it may be dialled. Raises ParentError with the outcome of a plain dial."""
    found: list[str] = [target.host] if target.is_address else list((await _look_up(dialer, target.host)).addresses)
    own = dialer.loop_guard
    allowed = may_be_dialled(found, target.port, own, named_by_operator=rule.private)
    if not allowed:
        raise ParentError(*why_none(found, own))
    return allowed


async def _look_up(dialer: Dialer, name: str) -> Resolved:
    arrived: asyncio.Future[Resolution] = dialer.loop.create_future()

    def tell(answer: Resolution) -> None:
        if not arrived.done():
            arrived.set_result(answer)

    answer = dialer.resolver.look_up(name, tell)
    if answer is None:
        try:
            answer = await arrived
        except asyncio.CancelledError:
            dialer.resolver.forget(name, tell)
            raise
    if isinstance(answer, Unresolved):
        raise ParentError(answer.outcome, answer.detail)
    return answer


class _Waiting:
    """Whoever waits for a parent's connection, as the dialer sees him."""

    def __init__(self, dialer: Dialer, record: TunnelRecord) -> None:
        self._dialer = dialer
        self._parent = ""
        self.record = record
        self.done: asyncio.Future[Channel] = dialer.loop.create_future()

    def connected(self, upstream: Channel, said: bytes = b"") -> None:
        """See `DialCaller`."""
        if self.done.done():
            self._dialer.poller.close(upstream)
        else:
            self.done.set_result(upstream)

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        """See `DialCaller`."""
        match outcome:
            case Outcome.DESCRIPTORS_EXHAUSTED:
                self._fail(ParentError(outcome, detail))
            case Outcome.TARGET_IS_GATE:
                self._fail(ParentError(Outcome.PARENT_IS_GATE, detail))
            case _:
                self._fail(ParentError(Outcome.PARENT_UNREACHABLE, ", ".join(filter(None, [outcome.label, detail]))))

    def crashed(self, error: Exception) -> None:
        """See `DialCaller`."""
        self._fail(error)

    def drop(self) -> None:
        """Nobody waits any more: close what came in the meantime."""
        if self.done.done() and not self.done.cancelled() and self.done.exception() is None:
            self._dialer.poller.close(self.done.result())

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
