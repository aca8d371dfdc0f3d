"""Target → checked address → connected socket.

The check is the last step before connect, and the connection goes to exactly the address that was checked, so DNS
rebinding gains nothing. Several addresses are tried with Happy Eyeballs (RFC 8305).
"""

import asyncio
import errno
import os
import socket
import time
from typing import Final, Protocol

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target, authority
from licensegate.records.outcome import Outcome
from licensegate.records.record import DialAttempt, TunnelRecord, milliseconds

from ..net.channel import Channel
from ..net.poller import ONCE, WRITE, Poller
from ..net.socket_options import send_at_once
from .address_selection import allowed_addresses, explain_refusal, interleave, known_address
from .loop_guard import LoopGuard
from .resolution import Resolution, Unresolved
from .resolver import Resolver
from .settings import DialSettings

_ATTEMPT_DELAY: Final = 0.25
"""Seconds before the next address is tried in parallel (RFC 8305 section 5)."""

_MAX_ATTEMPTS: Final = 4
"""Attempts in flight at once: a name may have dozens of addresses, and each attempt takes a descriptor."""

_MAX_PARALLEL: Final = 32
"""Attempts of all dials together, beside the first of each, which has a descriptor set aside (`Limits`)."""

_ATTEMPT_SECONDS: Final = 2.5
"""How long an attempt may keep its place from an untried address: time for a second SYN, sent after 1 s."""

_OUTCOME_OF_ERRNO: Final = {
    errno.ECONNREFUSED: Outcome.CONNECTION_REFUSED,
    errno.ETIMEDOUT: Outcome.CONNECTION_TIMEOUT,
    errno.EHOSTUNREACH: Outcome.DESTINATION_UNREACHABLE,
    errno.ENETUNREACH: Outcome.DESTINATION_UNREACHABLE,
    errno.ENETDOWN: Outcome.DESTINATION_UNREACHABLE,
    errno.EMFILE: Outcome.DESCRIPTORS_EXHAUSTED,
    errno.ENFILE: Outcome.DESCRIPTORS_EXHAUSTED,
    errno.ENOBUFS: Outcome.DESCRIPTORS_EXHAUSTED,
    errno.ENOMEM: Outcome.DESCRIPTORS_EXHAUSTED,
}
_MOST_SPECIFIC_FIRST: Final = (
    Outcome.DESCRIPTORS_EXHAUSTED,
    Outcome.CONNECTION_REFUSED,
    Outcome.CONNECTION_TIMEOUT,
    Outcome.DIAL_FAILED,
    Outcome.DESTINATION_UNREACHABLE,
)


class DialCaller(Protocol):
    """Receives the result of a dial: exactly one of the three methods is called, once."""

    record: TunnelRecord

    def connected(self, upstream: Channel, received: bytes = b"") -> None:
        """Take over the connection, which may still be watched. `received` are its first bytes."""

    def dial_failed(self, outcome: Outcome, detail: str) -> None:
        """The target could not be connected."""

    def crashed(self, error: Exception) -> None:
        """A fault of the gate ended the dial, or one of the other two methods raised."""


class PendingDial(Protocol):
    """A dial that has not reported to its caller yet."""

    def start(self) -> None:
        """Begin. The caller may be called back before this returns."""

    def abandon(self) -> tuple[Outcome, str]:
        """Stop without calling back. Returns the outcome and detail for a timeout: what the dial was waiting for."""


class TargetDialer(Protocol):
    """Connects to targets, directly or through parent proxies."""

    def prepare(self, target: Target, rule: Rule, caller: DialCaller) -> PendingDial:
        """A dial, not started yet, to a target that `rule` allows. It reports to `caller`."""


class Dialer:
    """Connects to targets directly. `connect_to` replaces the addresses of single targets."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        poller: Poller,
        resolver: Resolver,
        loop_guard: LoopGuard,
        settings: DialSettings,
    ) -> None:
        self.loop = loop
        self.poller = poller
        self.resolver = resolver
        self.loop_guard = loop_guard
        self.source_address = settings.source_address
        self.connect_to = settings.address_of_target
        self.parallel = 0
        """The attempts in flight beside the first of each dial."""

    def prepare(self, target: Target, rule: Rule, caller: DialCaller) -> "DirectDial":
        """See `TargetDialer`."""
        return DirectDial(self, target, rule, caller)


class DirectDial:
    """A pending dial to the target itself."""

    __slots__ = (
        "_attempts", "_began", "_caller", "_dialer", "_failures", "_named_by_operator", "_port", "_record",
        "_rule", "_target", "_timer", "_untried", "_waits_for_name",
    )  # fmt: skip

    def __init__(self, dialer: Dialer, target: Target, rule: Rule, caller: DialCaller) -> None:
        self._dialer = dialer
        self._target = target
        self._caller = caller
        self._record = caller.record
        self._began = time.monotonic()
        self._rule = rule
        self._named_by_operator = rule.private
        self._waits_for_name = False
        self._port = target.port
        self._untried: list[str] = []
        self._attempts: dict[int, tuple[socket.SocketType, str, float]] = {}
        self._failures: list[tuple[Outcome, str]] = []
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """See `PendingDial`."""
        known = known_address(self._target, self._rule, self._dialer.connect_to)
        if known is not None:
            self._named_by_operator = known.named_by_operator
            self._try_addresses([known.address], known.port)
            return
        answer = self._dialer.resolver.look_up(self._target.host, self._record.client, self._answered)
        if answer is None:
            self._waits_for_name = True
        else:
            self._resolved(answer)

    def _answered(self, answer: Resolution) -> None:
        self._dialer.poller.run(self, self._resolved, answer)

    def _resolved(self, answer: Resolution) -> None:
        self._waits_for_name = False
        now = time.monotonic()
        self._record.resolve_ms = milliseconds(now - self._began)
        self._began = now
        if isinstance(answer, Unresolved):
            self._caller.dial_failed(answer.outcome, answer.detail)
        else:
            self._try_addresses(list(answer.addresses), self._target.port)

    def _try_addresses(self, addresses: list[str], port: int) -> None:
        """Connect to the first address that answers, of those that may be dialled."""
        self._port = port
        self._record.addresses = addresses
        loop_guard = self._dialer.loop_guard
        allowed = allowed_addresses(addresses, port, loop_guard, named_by_operator=self._named_by_operator)
        if allowed:
            self._untried = interleave(allowed) if len(allowed) > 1 else allowed
            self._try_next()
        else:
            self._caller.dial_failed(*explain_refusal(addresses, port, loop_guard))

    def abandon(self) -> tuple[Outcome, str]:
        """See `PendingDial`."""
        if self._waits_for_name:
            self._dialer.resolver.forget(self._target.host, self._answered)
            return Outcome.DNS_TIMEOUT, ""
        waiting = [authority(address, self._port) for _, address, _ in self._attempts.values()]
        for descriptor in list(self._attempts):
            self._give_up(descriptor)
        self._stop()
        return Outcome.CONNECTION_TIMEOUT, ", ".join(waiting)

    def _try_next(self) -> None:
        """Start the next attempt; report failure if no address is left and no attempt is in flight."""
        while self._untried and (not self._attempts or self._has_place()):
            address = self._untried.pop(0)
            began = time.monotonic()
            try:
                sock = self._start(address)
            except OSError as error:
                self._note_failure(address, began, error.errno or 0)
                continue
            if self._attempts:
                self._dialer.parallel += 1
            self._attempts[sock.fileno()] = (sock, address, began)
            self._dialer.poller.watch(sock.fileno(), WRITE | ONCE, self)
            if self._untried:
                self._start_timer()
            return
        if self._untried:
            self._start_timer()
        elif not self._attempts:
            self._stop()
            self._caller.dial_failed(*min(self._failures, key=lambda failure: _MOST_SPECIFIC_FIRST.index(failure[0])))

    def _start(self, address: str) -> socket.SocketType:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        # To make and close a `socket.socket`, a class of Python, takes twice as long.
        sock = socket.SocketType(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            source = self._dialer.source_address
            if source and (":" in source) is (":" in address):
                sock.bind((source, 0))
            send_at_once(sock)
            error = sock.connect_ex((address, self._port))
            if error not in (0, errno.EINPROGRESS):
                raise OSError(error, os.strerror(error))
        except OSError:
            sock.close()
            raise
        return sock

    def _start_timer(self) -> None:
        """Wait before the next address is tried; without a place, until the oldest attempt has had its time."""
        delay = _ATTEMPT_DELAY
        if not self._has_place():
            _, _, began = next(iter(self._attempts.values()))
            delay = max(delay, began + _ATTEMPT_SECONDS - time.monotonic())
        self._timer = self._dialer.loop.call_later(delay, self._delay_over)

    def _delay_over(self) -> None:
        self._timer = None
        self._dialer.poller.run(self, self._make_room)
        self._dialer.poller.finish_batch()

    def _make_room(self) -> None:
        """Try the next address, in the oldest attempt's place if there is no other."""
        if not self._has_place():
            self._give_up(next(iter(self._attempts)))
        self._try_next()

    def ready(self, descriptor: int, events: int) -> None:
        """Handle an attempt that succeeded or failed."""
        sock, address, began = self._attempts[descriptor]
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if events & ~WRITE else 0
        if error:
            self._close_attempt(descriptor)
            self._note_failure(address, began, error)
            self._stop_timer()
            self._try_next()
            return
        self._remove(descriptor)
        if self._attempts or self._untried:
            for other in list(self._attempts):
                self._give_up(other)
            self._stop()
        record = self._record
        now = time.monotonic()
        record.attempts.append(DialAttempt(address, milliseconds(now - began)))
        record.dial_ms = milliseconds(now - self._began)
        record.upstream = authority(address, self._port)
        local = sock.getsockname()
        record.local = authority(local[0], local[1])
        self._caller.connected(sock)

    def crashed(self, error: Exception) -> None:
        """Close all attempts, and report a fault of the gate in the dial or its caller."""
        self.abandon()
        self._caller.crashed(error)

    def _give_up(self, descriptor: int) -> None:
        _, address, began = self._attempts[descriptor]
        self._record.attempts.append(DialAttempt(address, milliseconds(time.monotonic() - began), "ECANCELED"))
        self._close_attempt(descriptor)

    def _has_place(self) -> bool:
        """Whether another attempt may be in flight: always a first one."""
        attempts = len(self._attempts)
        return not attempts or (attempts < _MAX_ATTEMPTS and self._dialer.parallel < _MAX_PARALLEL)

    def _remove(self, descriptor: int) -> tuple[socket.SocketType, str, float]:
        attempt = self._attempts.pop(descriptor)
        if self._attempts:
            self._dialer.parallel -= 1
        return attempt

    def _close_attempt(self, descriptor: int) -> None:
        sock, _, _ = self._remove(descriptor)
        self._dialer.poller.forget(descriptor)
        self._dialer.poller.close(sock)

    def _note_failure(self, address: str, began: float, error: int) -> None:
        name = errno.errorcode.get(error, str(error))
        self._record.attempts.append(DialAttempt(address, milliseconds(time.monotonic() - began), name))
        outcome = _OUTCOME_OF_ERRNO.get(error, Outcome.DIAL_FAILED)
        self._failures.append((outcome, f"{authority(address, self._port)}, {name}"))

    def _stop(self) -> None:
        self._untried.clear()
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
