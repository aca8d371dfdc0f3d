"""Runs the gate: from the settings to the `ready` line, and from a signal to the last drained tunnel."""

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final, TypeVar

from licensegate.app.observers.access_log import AccessLogError, NoReaderError, open_log
from licensegate.app.settings import Settings, SettingsError
from licensegate.app.terminal import complain
from licensegate.certs.pem import CertificateError
from licensegate.files.run_in_thread import run_in_thread
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError, UnbindableAddressError

from .components import Components
from .control import Control, ControlError, Reply, control_path
from .cucm_instructions import cucm_instructions, reach
from .host import open_standard_streams
from .logs import ServiceLog, start_service_log
from .parts import read_parts
from .probe_requests import answer_probe
from .reload import Reloader
from .reload_queue import ReloadQueue
from .systemd import notify_alive, notify_ready, notify_reloading, notify_stopping, watchdog_interval

_STARTS_LATER: Final = (ListenError, NoReaderError)
"""An address may appear and a pipe's reader may start: another try may succeed."""
_NEVER_STARTS: Final = (AccessLogError, CertificateError, LoginFileError, SettingsError, UnbindableAddressError)
"""Somebody must change a file or a privilege first: the packaged unit does not try again."""

_STANDARD_ERROR: Final = 2  # sys.stderr is None if it was closed at the start

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


def run(settings: Settings, read_settings: Callable[[], Settings]) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status: 0 after a stop, 1 or 2 as `licensegate serve` says.

    `read_settings` reads the settings again for a reload; it raises SettingsError.
    """
    open_standard_streams()
    faulthandler.enable(_STANDARD_ERROR)  # the service manager ends a frozen gate by SIGABRT: write down where it froze
    service_log = start_service_log(settings.log.level, settings.log.format)
    try:
        asyncio.run(_serve(settings, read_settings, service_log))
    except (*_STARTS_LATER, *_NEVER_STARTS) as error:
        status, problem = exit_status(error), str(error)
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


async def _serve(settings: Settings, read_settings: Callable[[], Settings], service_log: ServiceLog) -> None:
    stop = _stop_signals()  # first: the kernel drops signals that a container's first process has no handler for
    parts = await _read_unless(stop, partial(read_parts, settings))
    opened_log = None if parts is None else await _read_unless(stop, partial(open_log, settings.log))
    if parts is None or opened_log is None:
        return
    components = Components(parts, opened_log, service_log)
    reloader = Reloader(components, read_settings)
    tasks = [asyncio.ensure_future(_feed_watchdog())]
    try:
        async with _open_control(reloader) as reloads:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloads.request, "SIGHUP")
            _announce_ready(components)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # `serve` blocked it: now it reloads
            gc.freeze()  # objects that exist now live as long as the program
            checks = (reloader.certificate_check(), reloader.user_check())
            tasks += [asyncio.ensure_future(check.keep_looking()) for check in checks]
            components.looks.start()
            tasks.append(asyncio.ensure_future(components.products.run()))
            await stop.acquire()
            await components.looks.stop()  # or its tunnel would hold up the drain
            await _drain(components.gate, components.settings.limits.drain_seconds, stop)
    finally:
        for task in tasks:
            task.cancel()
        await components.looks.stop()
        await components.stop_admin()
        components.close()


async def _read_unless(stop: asyncio.Semaphore, read: Callable[[], _T]) -> _T | None:
    """Return what `read` returns, or raise what it raises, off the event loop; None if the gate is stopped first."""
    reading = asyncio.ensure_future(run_in_thread(read, "reading files"))
    stopping = asyncio.ensure_future(stop.acquire())
    await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done():
        reading.cancel()
        return None
    stopping.cancel()
    return reading.result()


@contextlib.asynccontextmanager
async def _open_control(reloader: Reloader) -> AsyncIterator[ReloadQueue]:
    """Serve the control socket, if the settings have a directory for it, and yield the queue of its reloads."""
    reloads = ReloadQueue(lambda requester, defaults: _reload(reloader, control, requester, defaults=defaults))
    control = Control(
        {
            "reload": lambda requester, request: reloads.request(requester, defaults=request.defaults),
            "probe": lambda requester, request: answer_probe(reloader.components, request.target),
        }
    )
    await _place(control, reloader.components.settings)
    try:
        yield reloads
    finally:
        await control.close()


async def _place(control: Control, settings: Settings) -> None:
    """Move the control socket to where the settings want it. If that fails, SIGHUP still reloads."""
    try:
        await control.serve_at(control_path(settings.state_directory, os.environ))
    except ControlError as error:
        _log.error("%s; only SIGHUP reloads", error)


async def _reload(reloader: Reloader, control: Control, requester: str, *, defaults: bool) -> Reply:
    """Reload, and tell the service manager, unless it knows already that the gate stops."""
    gate = reloader.components.gate
    instructions = _instructions(reloader.components)
    if not gate.draining:
        notify_reloading(os.environ)
    reply = await reloader.reload(requester, defaults=defaults)
    if not gate.draining:
        if (new_instructions := _instructions(reloader.components)) != instructions:
            _log.info("%s", new_instructions)
        await _place(control, reloader.components.settings)
        notify_ready(os.environ, reloader.components.status)
    return reply


def _announce_ready(components: Components) -> None:
    status = components.status
    _log.info("ready: %s", status)
    _log.info("%s", _instructions(components))
    notify_ready(os.environ, status)


def _instructions(components: Components) -> str:
    """What to type into CUCM with the settings in force."""
    gate = components.gate
    how = reach([(listener.host, listener.port) for listener in gate.listeners], components.settings.announce)
    return cucm_instructions(how, gate.snapshot.policy)


async def _feed_watchdog() -> None:
    """Tell the service manager that the event loop runs, until the gate has drained."""
    interval = watchdog_interval(os.environ)
    while interval is not None:
        notify_alive(os.environ)
        await asyncio.sleep(interval)


async def _drain(gate: Gate, seconds: float, stop: asyncio.Semaphore) -> None:
    notify_stopping(os.environ, seconds)
    _log.info("stopping: %d connections open, draining for up to %g s", len(gate.connections), seconds)
    draining = asyncio.ensure_future(gate.drain(seconds))
    again = asyncio.ensure_future(stop.acquire())
    await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
    if draining.done():
        _log.info("stopped: %d tunnels were cut", draining.result())
    else:
        _log.info("stopped at once: %d tunnels were cut", gate.cut())
    for task in (draining, again):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _stop_signals() -> asyncio.Semaphore:
    """A semaphore released by each SIGTERM or SIGINT: the first starts draining, the second ends at once."""
    signals = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.release)
    return signals
