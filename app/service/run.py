"""Runs the gate: from the settings to the `ready` line, and from a signal to the last drained tunnel."""

import asyncio
import faulthandler
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from licensegate.app.logs.open_sink import LogPlaceError, NoReaderError
from licensegate.app.observers.opened_logs import open_logs
from licensegate.app.settings import Settings, SettingsError
from licensegate.app.terminal import complain
from licensegate.certs.pem import CertificateError
from licensegate.files.run_in_thread import run_in_thread
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.net.gate_loop import GateLoop
from licensegate.proxy.net.heap import give_back_memory
from licensegate.proxy.net.listener import ListenError, UnbindableAddressError
from licensegate.records.change import ChangeKind
from licensegate.records.requester import Requester

from .changes import at_start
from .commands import follow_settings, open_commands
from .components import Components, WarningsOf, no_warnings
from .draining import place_of_control
from .handover import Handover
from .handover_line import HandoverError
from .host import open_standard_streams
from .logs import ServiceLog, start_service_log
from .parts import read_parts
from .reload import Reloader
from .socket_activation import activated_sockets
from .systemd import notify_alive, notify_ready, notify_stopping, watchdog_interval
from .takeover import Takeover

_STARTS_LATER: Final = (HandoverError, ListenError, NoReaderError)
"""An address may appear and a pipe's reader may start: another try may succeed."""
_NEVER_STARTS: Final = (CertificateError, LogPlaceError, LoginFileError, SettingsError, UnbindableAddressError)
"""Somebody must change a file or a privilege first: the packaged unit does not try again."""

_STANDARD_ERROR: Final = 2  # sys.stderr is None if it was closed at the start

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    read_settings: Callable[[], Settings],
    config: Path | None = None,
    takeover: Takeover | None = None,
    warnings_of: WarningsOf = no_warnings,
) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status: 0 after a stop, 1 or 2 as `licensegate serve` says.

    `read_settings` reads the settings again for a reload; it raises SettingsError. `config` is the settings file that
    the command line named. `takeover` leads to the gate that serves now, whose place this one takes. `warnings_of`
    finds the warnings of settings, for the pages.
    """
    open_standard_streams()
    faulthandler.enable(_STANDARD_ERROR)  # the service manager ends a frozen gate by SIGABRT: write down where it froze
    service_log = start_service_log(settings.log.level, settings.log.format)
    try:
        with asyncio.Runner(loop_factory=GateLoop) as runner:
            runner.run(_serve(settings, read_settings, service_log, config, takeover, warnings_of))
    except (*_STARTS_LATER, *_NEVER_STARTS) as error:
        status, problem = exit_status(error), str(error)
        if takeover is not None:
            takeover.failed(problem)
    else:
        status, problem = 0, ""
    finally:
        service_log.stop()
    if problem:
        complain(problem)
    return status


def exit_status(error: Exception) -> int:
    """The exit status of a start that failed by one of the errors above. Of two classes the narrower one counts."""
    kind = next(kind for kind in type(error).__mro__ if kind in (*_STARTS_LATER, *_NEVER_STARTS))
    return 1 if kind in _STARTS_LATER else 2


async def _serve(
    settings: Settings,
    read_settings: Callable[[], Settings],
    service_log: ServiceLog,
    config: Path | None,
    takeover: Takeover | None,
    warnings_of: WarningsOf,
) -> None:
    stop = _StopSignals()  # first: the kernel drops signals that a container's first process has no handler for
    opened = await _unless(stop, run_in_thread(partial(open_logs, settings.log), "opening the logs"))
    if opened is None:
        return
    service_log.adopt(settings.log, opened.service)
    parts = await _unless(stop, run_in_thread(partial(read_parts, settings), "reading files"))
    if parts is None:
        return
    if takeover is None:
        passed = activated_sockets(os.environ)
    elif (asked := await _unless(stop, takeover.ask(os.getpid(), place_of_control(settings)))) is None:
        return
    else:
        passed = asked
    components = Components(parts, opened, service_log, passed, standby=takeover is not None, warnings_of=warnings_of)
    tasks: list[asyncio.Future[object]] = []
    checks: list[asyncio.Future[object]] = []
    try:
        if takeover is not None and await _unless(stop, _take_over(takeover, components)) is None:
            return
        tasks.append(asyncio.ensure_future(_feed_watchdog()))
        reloader = Reloader(components, read_settings)
        async with open_commands(reloader, config, takeover) as (reloads, handover):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloads.request, Requester(signal="SIGHUP"))
            _announce_ready(components)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # `serve` blocked it: now it reloads
            gc.collect()
            give_back_memory()  # what reading settings and modules took
            gc.freeze()  # objects that exist now live as long as the program
            gc.enable()  # `serve` disabled it
            looks = (reloader.certificate_check(), reloader.user_check())
            checks += [asyncio.ensure_future(check.keep_looking()) for check in looks]
            components.looks.start()
            tasks.append(asyncio.ensure_future(components.products.run()))
            await _first_of(stop.acquire(), handover.done.wait())
            await handover.stop()
            if handover.done.is_set():
                for task in tasks:  # but not the checks: a removed user loses the tunnels that drain, too
                    task.cancel()
                await components.stop_admin()
                await handover.serve_draining(place_of_control(components.settings))
                if components.gate.connections:  # the new process may have read other settings than are in force here
                    following = follow_settings(reloader, handover.requester, handover.config)
                    checks.append(asyncio.ensure_future(following))
            await components.looks.stop()  # or its tunnel would hold up the drain
            await _drain(components, handover, takeover, stop)
    finally:
        for task in (*tasks, *checks):
            task.cancel()
        await components.looks.stop()
        await components.stop_admin()
        components.close()


async def _take_over(takeover: Takeover, components: Components) -> bool:
    """Take the place of the gate that serves. Raises HandoverError if it goes on instead."""
    other = takeover.process
    before = "the gate before" if other is None else f"process {other.pid}, LicenseGate {other.version}"
    say = partial(
        components.changes.write, ChangeKind.HANDOVER, *takeover.by, before=takeover.was_in_force, other=other
    )
    try:
        await takeover.await_turn()
        components.take_turn()
        await takeover.confirm(partial(components.share_logs, False))
    except HandoverError as error:
        say(what=f"{before}, goes on serving: {error}", ok=False, after=takeover.was_in_force)
        raise
    say(what=f"process {os.getpid()} takes over from {before}", after=components.in_force)
    return True


async def _unless(stop: asyncio.Semaphore, work: Awaitable[_T]) -> _T | None:
    """Return what `work` returns, or raise what it raises; None if the gate is stopped first."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.acquire())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        working.cancel()
        return None
    stopping.cancel()
    return working.result()


async def _first_of(*works: Awaitable[object]) -> None:
    """Wait for the first of these, and cancel the others."""
    waiting = {asyncio.ensure_future(work) for work in works}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


def _announce_ready(components: Components) -> None:
    status = components.status
    components.changes.write(
        ChangeKind.START,
        what=status,
        settings=tuple(at_start(components.parts)),
        after=components.in_force,
    )
    _log.info("%s", components.instructions)
    notify_ready(os.environ, status)


async def _feed_watchdog() -> None:
    """Tell the service manager that the event loop runs, until the gate has drained."""
    interval = watchdog_interval(os.environ)
    while interval is not None:
        notify_alive(os.environ)
        await asyncio.sleep(interval)


async def _drain(components: Components, handover: Handover, takeover: Takeover | None, stop: "_StopSignals") -> None:
    """Wait for open tunnels: as long as the settings say before a stop, or as was asked for after a handover.

    Cut them earlier at another signal, or if the gate that took over is stopped, too.
    """
    gate = components.gate
    if handover.done.is_set():
        seconds = handover.drain_seconds
        _log.info("handed over: %d connections open, draining for up to %g s", len(gate.connections), seconds)
    else:
        seconds = components.settings.limits.drain_seconds
        notify_stopping(os.environ, seconds)
        components.changes.write(
            ChangeKind.STOP,
            Requester(signal=stop.first),
            what=f"{len(gate.connections)} connections open, draining for up to {seconds:g} s",
            before=components.in_force,
        )
        if takeover is not None:
            takeover.stop_other(seconds)
        others_accept = bool(components.passed.lasting)
        if not others_accept:
            gate.accept_waiting()
        gate.stop_accepting(serve_accepted=others_accept)
    draining = asyncio.ensure_future(gate.drain(seconds))
    await _first_of(asyncio.shield(draining), stop.acquire(), handover.cut_short(takeover))
    if draining.done():
        _log.info("stopped: %d tunnels were cut", draining.result())
    else:
        draining.cancel()
        _log.info("stopped at once: %d tunnels were cut", gate.cut())
    if takeover is not None and not handover.done.is_set():
        await takeover.await_other()


class _StopSignals(asyncio.Semaphore):
    """Released by each SIGTERM or SIGINT: the first starts draining, the second ends at once. `first` names that one.

    Needs a running event loop.
    """

    def __init__(self) -> None:
        super().__init__(0)
        self.first = ""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._take, number.name)

    def _take(self, name: str) -> None:
        self.first = self.first or name
        self.release()
