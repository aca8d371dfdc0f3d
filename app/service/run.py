"""Runs the gate: from the settings to the `ready` line, and from a signal to the last drained tunnel."""

import asyncio
import contextlib
import faulthandler
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Final

from licensegate.app.observers.access_log import AccessLogError, NoReaderError
from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.pem import CertificateError
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError

from .components import Components
from .control import Control, ControlError, Reply, control_path
from .cucm_instructions import cucm_instructions, reach
from .host import open_standard_streams
from .logs import ServiceLog, start_service_log
from .reload import Reloader
from .systemd import notify_alive, notify_ready, notify_reloading, notify_stopping, watchdog_interval

_FILE_CHECK_SECONDS: Final = 5
"""Interval between checks of the certificate and user files for changes."""

_STARTS_LATER: Final = (ListenError, NoReaderError)
"""An address may appear and a pipe's reader may start: another try may succeed."""
_NEVER_STARTS: Final = (AccessLogError, CertificateError, LoginFileError, SettingsError)
"""Somebody must change a file first: the packaged unit does not try again."""

_log = logging.getLogger(__name__)


def run(settings: Settings, read_settings: Callable[[], Settings]) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status: 0 after a stop, 1 or 2 as `licensegate serve` says.

    `read_settings` reads the settings again for a reload; it raises SettingsError.
    """
    open_standard_streams()
    faulthandler.enable()  # the service manager ends a frozen gate by SIGABRT: write down where it froze
    service_log = start_service_log(settings.log.level)
    try:
        asyncio.run(_serve(settings, read_settings, service_log))
    except _STARTS_LATER as error:
        status, problem = 1, str(error)
    except _NEVER_STARTS as error:
        status, problem = 2, str(error)
    else:
        status, problem = 0, ""
    finally:
        service_log.stop()
    if problem:
        print(f"licensegate: {problem}", file=sys.stderr)
    return status


async def _serve(settings: Settings, read_settings: Callable[[], Settings], service_log: ServiceLog) -> None:
    stop = _stop_signals()  # first: the kernel drops signals that a container's first process has no handler for
    components = Components(settings, service_log)
    reloader = Reloader(components, read_settings)
    try:
        with _open_control(reloader) as control:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload, reloader, control, "SIGHUP")
            watchdog = asyncio.ensure_future(_feed_watchdog())
            _announce_ready(components)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # `serve` blocked it: now it reloads
            gc.freeze()  # objects that exist now live as long as the program
            file_checks = asyncio.ensure_future(_check_files(reloader))
            await stop.acquire()
            file_checks.cancel()
            await _drain(components.gate, components.settings.limits.drain_seconds, stop)
            watchdog.cancel()
    finally:
        await components.stop_admin()
        components.close()


@contextlib.contextmanager
def _open_control(reloader: Reloader) -> Iterator[Control]:
    """Serve the control socket, if there is a place for it."""
    control = Control({"reload": lambda requester: _reload(reloader, control, requester)})
    _place(control, reloader.components.settings)
    try:
        yield control
    finally:
        control.close()


def _place(control: Control, settings: Settings) -> None:
    """Move the control socket to where the settings want it. If that fails, SIGHUP still reloads."""
    try:
        control.serve_at(control_path(settings.state_directory, os.environ))
    except ControlError as error:
        _log.error("%s; only SIGHUP reloads", error)


def _reload(reloader: Reloader, control: Control, requester: str) -> Reply:
    components = reloader.components
    if components.gate.draining:  # the service manager knows already
        return reloader.reload(requester)
    notify_reloading(os.environ)
    reply = reloader.reload(requester)
    _place(control, components.settings)
    notify_ready(os.environ, _status(components))
    return reply


def _announce_ready(components: Components) -> None:
    status = _status(components)
    _log.info("ready: %s", status)
    gate = components.gate
    how = reach([(listener.host, listener.port) for listener in gate.listeners], components.settings.announce)
    _log.info("%s", cucm_instructions(how, gate.snapshot.policy))
    notify_ready(os.environ, status)


def _status(components: Components) -> str:
    names = ", ".join(listener.name for listener in components.gate.listeners)
    return f"listening on {names}; settings from {components.settings.source}"


async def _feed_watchdog() -> None:
    """Tell the service manager that the event loop runs, until the gate has drained."""
    interval = watchdog_interval(os.environ)
    while interval is not None:
        notify_alive(os.environ)
        await asyncio.sleep(interval)


async def _check_files(reloader: Reloader) -> None:
    while True:
        await asyncio.sleep(_FILE_CHECK_SECONDS)
        reloader.reload_certificate()
        reloader.reload_users()


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
