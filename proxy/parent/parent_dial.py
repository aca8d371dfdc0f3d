"""One dial through parent proxies: try them in turn until one opens a tunnel or refuses for good."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome
from licensegate.records.record import DIRECT

from ..dial.dialer import DialCaller, Dialer, PendingDial
from ..net.channel import Channel
from .awaited_dial import ParentError, checked_addresses
from .connect_attempt import ConnectAttempt
from .parent import Parent
from .settings import ParentTarget

_PARENT_UNUSABLE: Final = frozenset(
    {
        Outcome.PARENT_UNREACHABLE,
        Outcome.PARENT_TIMEOUT,
        Outcome.PARENT_BROKE_OFF,
        Outcome.PARENT_ANSWER_MALFORMED,
        Outcome.PARENT_TLS_FAILED,
        Outcome.PARENT_CERTIFICATE_REJECTED,
    }
)
"""The parent is unusable at present: leave it out for a while, and try the next one."""

_SETTINGS_UNUSABLE: Final = frozenset(
    {
        Outcome.PARENT_IS_GATE,
        Outcome.PARENT_LOGIN_REQUIRED,
        Outcome.PARENT_LOGIN_UNSUPPORTED,
        Outcome.PARENT_LOGIN_REFUSED,
        Outcome.PARENT_LOGIN_FAILED,
    }
)
"""The parent works, but not with these settings: try the next one."""

_TRY_NEXT: Final = _PARENT_UNUSABLE | _SETTINGS_UNUSABLE

_PASSWORD_CHECK_SECONDS: Final = 60
"""How long to wait for a parent's answer to a password after the tunnel is gone: some delay a refusal on purpose."""


class ParentDial:
    """A pending dial through parents: a task that reports to `caller`.

    `direct` allows dialling the target directly if no parent can be used.
    """

    def __init__(
        self,
        dialer: Dialer,
        parents: Sequence[Parent],
        target: Target,
        rule: Rule,
        caller: DialCaller,
        *,
        direct: bool,
    ) -> None:
        self._dialer = dialer
        self._parents = parents
        self._target = target
        self._rule = rule
        self._caller = caller
        self._direct = direct
        self._failures: list[ParentError] = []
        self._attempt: ConnectAttempt | None = None
        self._began = 0.0
        self._direct_dial: PendingDial | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """See `PendingDial`."""
        self._task = self._dialer.loop.create_task(self._run())

    def abandon(self) -> tuple[Outcome, str]:
        """See `PendingDial`. A parent that has used up its own `seconds` counts as failed."""
        if self._direct_dial is not None:
            return self._direct_dial.abandon()
        if self._task is not None:
            self._task.cancel()
            self._task = None  # its error refers to this dial: without the cycle, no garbage collection is needed
        if self._attempt is None:
            return Outcome.DNS_TIMEOUT, ""
        failure = self._attempt.timeout_error()
        parent = self._attempt.parent
        if time.monotonic() - self._began >= parent.settings.seconds:
            self._note_failure(parent, failure)
        summary = self._summary(failure)
        return summary.outcome, summary.detail

    def crashed(self, error: Exception) -> None:
        """Report a fault of the gate, in this dial or in the caller."""
        self._caller.crashed(error)

    async def _run(self) -> None:
        try:
            tunnel = await self._open_tunnel()
        except ParentError as failure:
            self._report(self._caller.dial_failed, failure.outcome, failure.detail)
        except Exception as error:
            self._report(_raise, error)
        else:
            if tunnel is None:
                self._report(self._dial_directly)
            else:
                self._report(self._caller.connected, *tunnel)

    def _report(self, action: Callable[..., None], *arguments: object) -> None:
        """Call back as the poller would: a fault ends only this tunnel, and finished records are passed on at once."""
        poller = self._dialer.poller
        poller.run(self, action, *arguments)
        poller.finish_batch()

    def _dial_directly(self) -> None:
        record = self._caller.record
        record.parent, record.parent_status, record.parent_ms = DIRECT, 0, None
        record.parent_login = record.parent_reason = record.parent_server = ""
        self._direct_dial = self._dialer.prepare(self._target, self._rule, self._caller)
        self._direct_dial.start()

    async def _open_tunnel(self) -> tuple[Channel, bytes] | None:
        """Try each parent. Returns the tunnel and the bytes received through it, or None to dial directly.

        Raises ParentError.
        """
        for number, parent in enumerate(self._parents, 1):
            is_last = number == len(self._parents) and not self._direct
            authority = await self._authority(parent.settings.target)
            self._began = time.monotonic()
            self._attempt = ConnectAttempt(self._dialer, parent, authority, self._caller.record)
            try:
                tunnel = await self._open(self._attempt, None if is_last else parent.settings.seconds)
            except ParentError as failure:
                self._note_failure(parent, failure)
                if failure.outcome not in _TRY_NEXT:
                    raise
                if is_last:
                    raise self._summary(failure) from None
                self._failures.append(failure.with_traceback(None))  # which refers to this dial
            else:
                parent.note_answer()
                return tunnel
        return None

    async def _open(self, attempt: ConnectAttempt, seconds: float | None) -> tuple[Channel, bytes]:
        """Run one attempt for at most `seconds`. Raises ParentError."""
        opening = self._dialer.loop.create_task(attempt.open())
        try:
            await asyncio.wait({opening}, timeout=seconds)
        except asyncio.CancelledError:
            self._detach(opening, attempt)
            raise
        if not opening.done():
            self._detach(opening, attempt)
            raise attempt.timeout_error()
        try:
            return opening.result()
        finally:
            del opening  # it holds the error, and the error's traceback this frame

    def _detach(self, opening: asyncio.Task[tuple[Channel, bytes]], attempt: ConnectAttempt) -> None:
        """Stop waiting for an attempt. It continues only to learn whether the password that it sent is wrong."""
        opening.add_done_callback(self._discard)
        if attempt.password_pending:
            attempt.detach_record()
            self._dialer.loop.call_later(_PASSWORD_CHECK_SECONDS, opening.cancel)
        else:
            opening.cancel()

    def _discard(self, opening: asyncio.Task[tuple[Channel, bytes]]) -> None:
        poller = self._dialer.poller
        if not opening.cancelled() and opening.exception() is None:
            poller.close(opening.result()[0])
        poller.finish_batch()

    async def _authority(self, wanted: ParentTarget) -> str:
        """The host and port to ask a parent for. Raises ParentError if the target may not be dialled."""
        dialer, target = self._dialer, self._target
        named = dialer.connect_to.get(target)
        if named is not None:
            return str(Target(*named))
        if wanted is ParentTarget.NAME:
            return str(target)
        self._attempt = None
        addresses = await checked_addresses(dialer, target, self._rule, self._caller.record.client)
        return str(Target(addresses[0], target.port)) if wanted is ParentTarget.ADDRESS else str(target)

    def _note_failure(self, parent: Parent, failure: ParentError) -> None:
        if failure.outcome in _PARENT_UNUSABLE:
            parent.note_failure(failure, time.monotonic())
        elif self._caller.record.parent_status:
            parent.note_answer()

    def _summary(self, failure: ParentError) -> ParentError:
        """The last failure, or all of them if earlier parents failed too."""
        if not self._failures:
            return failure
        details = [f"{one.outcome.label} ({one.detail})" for one in (*self._failures, failure)]
        return ParentError(Outcome.PARENTS_EXHAUSTED, "; ".join(details))


def _raise(error: Exception) -> None:
    raise error
