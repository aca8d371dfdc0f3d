"""The gate's own dialer and resolver as coroutines: connect to a parent proxy, check a target's addresses.

The operator chose the parent's address, so it may be private; it must not be the gate itself.
"""

import asyncio

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome
from licensegate.records.record import TunnelRecord

from ..dial.address_selection import allowed_addresses, explain_refusal
from ..dial.dialer import Dialer
from ..dial.resolution import Resolution, Resolved, Unresolved
from ..net.channel import Channel


class ParentError(Exception):
    """No tunnel through this parent. `outcome` and `detail` go into the record and the client's answer."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(f"{outcome.label}: {detail}")
        self.outcome = outcome
        self.detail = detail


async def dial_parent(dialer: Dialer, host: str, port: int, record: TunnelRecord) -> Channel:
    """Connect to a parent proxy. Raises ParentError."""
    caller = _AwaitingCaller(dialer, record)
    dial = dialer.prepare(Target(host, port), Rule(host, port, private=True), caller)
    dial.start()
    try:
        return await caller.connection
    except asyncio.CancelledError:
        dial.abandon()
        caller.close()
        raise
    finally:
        del caller, dial  # they hold the error, and the error's traceback this frame


async def checked_addresses(dialer: Dialer, target: Target, rule: Rule, client: str) -> list[str]:
    """Look a target up for this client, and return the addresses that may be dialled.

    Raises ParentError with the outcome that a direct dial would have.
    """
    found = [target.host]
    if not target.is_address:
        found = list((await _look_up(dialer, target.host, client)).addresses)
    allowed = allowed_addresses(found, target.port, dialer.loop_guard, named_by_operator=rule.private)
    if not allowed:
        raise ParentError(*explain_refusal(found, target.port, dialer.loop_guard))
    return allowed


async def _look_up(dialer: Dialer, name: str, client: str) -> Resolved:
    resolution: asyncio.Future[Resolution] = dialer.loop.create_future()

    def finish(answer: Resolution) -> None:
        if not resolution.done():
            resolution.set_result(answer)

    answer = dialer.resolver.look_up(name, client, finish)
    if answer is None:
        try:
            answer = await resolution
        except asyncio.CancelledError:
            dialer.resolver.forget(name, finish)
            raise
    if isinstance(answer, Unresolved):
        raise ParentError(answer.outcome, answer.detail)
    return answer


class _AwaitingCaller:
    """A dial's caller that passes the result on through the future `connection`."""

    def __init__(self, dialer: Dialer, record: TunnelRecord) -> None:
        self._dialer = dialer
        self.record = record
        self.connection: asyncio.Future[Channel] = dialer.loop.create_future()

    def connected(self, upstream: Channel, received: bytes = b"") -> None:
        """See `DialCaller`."""
        if self.connection.done():
            self._dialer.poller.close(upstream)
        else:
            self.connection.set_result(upstream)

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

    def close(self) -> None:
        """Close a connection that arrived after the wait was cancelled."""
        future = self.connection
        if future.done() and not future.cancelled() and future.exception() is None:
            self._dialer.poller.close(future.result())

    def _fail(self, error: Exception) -> None:
        if not self.connection.done():
            self.connection.set_exception(error)
