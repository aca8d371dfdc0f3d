"""The parents in their order, and which of them a tunnel goes through: a dialer among dialers, its caller cannot tell.

Targets are reached directly only where the settings say so, as the last resort; a gate that was told to use a parent
never goes around it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import structs

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.records.outcome import Outcome
from licensegate.records.record import DIRECT

from ..dial.dialer import DialCaller, Dialer, PendingDial
from ..net.channel import Channel
from .account import Account
from .connect_attempt import ConnectAttempt
from .health import ParentHealth
from .parent import Parent
from .protocol.scheme import LoginFailedError
from .reach import ParentError, checked_addresses
from .settings import ParentLogin, ParentProxy, ParentSettings, ParentTarget

_AT_FAULT: Final = frozenset(
    {
        Outcome.PARENT_UNREACHABLE,
        Outcome.PARENT_TIMEOUT,
        Outcome.PARENT_BROKE_OFF,
        Outcome.PARENT_ANSWER_MALFORMED,
        Outcome.PARENT_TLS_FAILED,
        Outcome.PARENT_CERTIFICATE_REJECTED,
    }
)
"""The parent cannot be used by anybody now: the next is tried, and this one left out for a while."""

_NOT_FOR_US: Final = frozenset(
    {
        Outcome.PARENT_IS_GATE,
        Outcome.PARENT_LOGIN_REQUIRED,
        Outcome.PARENT_LOGIN_UNSUPPORTED,
        Outcome.PARENT_LOGIN_REFUSED,
        Outcome.PARENT_LOGIN_FAILED,
    }
)
"""The parent works, but the settings do not: the next is tried."""

_PASSWORD_VERDICT_SECONDS: Final = 60
"""How long a parent may take to judge a password for nobody: some make who was wrong wait."""

_log = logging.getLogger(__name__)


class ParentSelector:
    """Dials targets through parents. What an `earlier` selector knew of a parent or an account is kept."""

    def __init__(self, dialer: Dialer, settings: ParentSettings, earlier: "ParentSelector | None" = None) -> None:
        self.dialer = dialer
        self.direct = settings.direct
        known = {_but_secret(parent.settings): parent for parent in earlier.parents} if earlier else {}
        accounts = {_but_secret(parent.settings).login: parent.account for parent in known.values()}
        self.parents: list[Parent] = []
        for proxy in settings.proxies:
            key = _but_secret(proxy)
            if key.login not in accounts:
                accounts[key.login] = _account(proxy.login)
            health = known[key].health if key in known else ParentHealth()
            self.parents.append(Parent(proxy, accounts[key.login], health))

    def prepare(self, target: Target, rule: Rule, caller: DialCaller) -> PendingDial:
        """See `TargetDialer`."""
        parents = self.candidates(time.monotonic())
        if parents:
            return ParentDial(self, parents, target, rule, caller)
        caller.record.parent = DIRECT
        return self.dialer.prepare(target, rule, caller)

    def candidates(self, now: float) -> list[Parent]:
        """Whom to try, one after the other; nobody where only the direct way is left.

        Those that are left out are tried all the same where there is nothing else, those soonest due first.
        """
        in_use = [parent for parent in self.parents if not parent.health.is_left_out(now)]
        if in_use or self.direct:
            return in_use
        return sorted(self.parents, key=lambda parent: parent.health.left_out_until)


class ParentDial:
    """One dial through parents, in progress: a task that tells `caller` in the end."""

    def __init__(
        self, selector: ParentSelector, parents: Sequence[Parent], target: Target, rule: Rule, caller: DialCaller
    ) -> None:
        self._selector = selector
        self._parents = parents
        self._target = target
        self._rule = rule
        self._caller = caller
        self._failures: list[ParentError] = []
        self._attempt: ConnectAttempt | None = None
        self._began = 0.0
        self._direct_dial: PendingDial | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """See `PendingDial`."""
        self._task = self._selector.dialer.loop.create_task(self._run())

    def abandon(self) -> tuple[Outcome, str]:
        """See `PendingDial`. A parent that was silent for as long as it may is at fault, whoever gave up."""
        if self._direct_dial is not None:
            return self._direct_dial.abandon()
        if self._task is not None:
            self._task.cancel()
        if self._attempt is None:
            return Outcome.DNS_TIMEOUT, ""
        failure = self._attempt.late()
        parent = self._attempt.parent
        if time.monotonic() - self._began >= parent.settings.seconds:
            self._judge(parent, failure)
        told = self._conclude(failure)
        return told.outcome, told.detail

    def crashed(self, error: Exception) -> None:
        """A fault in the gate, here or in whom it was told to."""
        self._caller.crashed(error)

    async def _run(self) -> None:
        try:
            opened = await self._through()
        except ParentError as failure:
            self._do(self._caller.dial_failed, failure.outcome, failure.detail)
        except Exception as error:
            self._do(_raise, error)
        else:
            if opened is None:
                self._do(self._dial_directly)
            else:
                self._do(self._caller.connected, *opened)

    def _do(self, action: Callable[..., None], *arguments: object) -> None:
        """As a batch would: a fault ends this tunnel only, and the record of what ended does not wait."""
        poller = self._selector.dialer.poller
        poller.run(self, action, *arguments)
        poller.finish_batch()

    def _dial_directly(self) -> None:
        record = self._caller.record
        record.parent, record.parent_status, record.parent_ms = DIRECT, 0, None
        record.parent_login = record.parent_reason = record.parent_server = ""
        self._direct_dial = self._selector.dialer.prepare(self._target, self._rule, self._caller)
        self._direct_dial.start()

    async def _through(self) -> tuple[Channel, bytes] | None:
        """The tunnel and its first bytes; None where the direct way is what is left. Raises ParentError."""
        direct = self._selector.direct
        for left, parent in zip(reversed(range(len(self._parents))), self._parents, strict=True):
            authority = await self._authority(parent.settings.target)
            self._began = time.monotonic()
            self._attempt = attempt = ConnectAttempt(self._selector.dialer, parent, authority, self._caller.record)
            try:
                opened = await self._open(attempt, parent.settings.seconds if left or direct else None)
            except ParentError as error:
                failure = error
            else:
                self._note_answer(parent)
                return opened
            self._judge(parent, failure)
            if failure.outcome not in _AT_FAULT | _NOT_FOR_US:
                raise failure
            if left or direct:
                self._failures.append(failure)
            else:
                raise self._conclude(failure)
        return None

    async def _open(self, attempt: ConnectAttempt, seconds: float | None) -> tuple[Channel, bytes]:
        """What the attempt opens within so much time. Raises ParentError."""
        opening = self._selector.dialer.loop.create_task(attempt.open())
        try:
            await asyncio.wait({opening}, timeout=seconds)
        except asyncio.CancelledError:
            self._leave(opening, attempt)
            raise
        if not opening.done():
            late = attempt.late()
            self._leave(opening, attempt)
            raise late
        return opening.result()

    def _leave(self, opening: asyncio.Task[tuple[Channel, bytes]], attempt: ConnectAttempt) -> None:
        """Nobody waits for it any more. It goes on only to hear whether the password that it has shown is wrong."""
        opening.add_done_callback(self._drop)
        if attempt.is_on_trial:
            attempt.forget_tunnel()
            self._selector.dialer.loop.call_later(_PASSWORD_VERDICT_SECONDS, opening.cancel)
        else:
            opening.cancel()

    def _drop(self, opening: asyncio.Task[tuple[Channel, bytes]]) -> None:
        poller = self._selector.dialer.poller
        if not opening.cancelled() and opening.exception() is None:
            poller.close(opening.result()[0])
        poller.finish_batch()

    async def _authority(self, wanted: ParentTarget) -> str:
        """What the parent is asked for."""
        dialer, target = self._selector.dialer, self._target
        named = dialer.connect_to.get(target)
        if named is not None:
            return str(Target(*named))
        if wanted is ParentTarget.NAME:
            return str(target)
        self._attempt = None
        addresses = await checked_addresses(dialer, target, self._rule)
        return str(Target(addresses[0], target.port)) if wanted is ParentTarget.ADDRESS else str(target)

    def _judge(self, parent: Parent, failure: ParentError) -> None:
        if failure.outcome in _AT_FAULT:
            pause = parent.health.failed(time.monotonic())
            if pause:
                _log.warning("the parent proxy %s is left out for %g s: %s", parent, pause, failure)
        elif self._caller.record.parent_status:
            self._note_answer(parent)

    def _note_answer(self, parent: Parent) -> None:
        if parent.health.answered():
            _log.info("the parent proxy %s answers again", parent)

    def _conclude(self, failure: ParentError) -> ParentError:
        """The last failure, or all of them if there were more."""
        if not self._failures:
            return failure
        told = [f"{one.outcome.label} ({one.detail})" for one in (*self._failures, failure)]
        return ParentError(Outcome.PARENTS_EXHAUSTED, "; ".join(told))


def _but_secret(settings: ParentProxy) -> ParentProxy:
    """What tells one parent from another; a secret's value cannot be compared, and where it comes from says enough."""
    return structs.replace(settings, login=structs.replace(settings.login, password=None))


def _account(login: ParentLogin) -> Account:
    """What keeps it from logging in is said now, and not only once somebody needs a tunnel."""
    account = Account(login)
    try:
        account.look()
    except LoginFailedError as failed:
        _log.error("the gate cannot log in to a parent proxy: %s", failed)
    return account


def _raise(error: Exception) -> None:
    raise error
