"""Runs the gate: from settings to the line that says ready, and from a signal to the last drained tunnel."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Final

from licensegate.app.observers.access_log import AccessLogError
from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.pem import CertificateError
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError

from .components import Components
from .control import Control, ControlError, Reply, control_path
from .host import open_standard_streams, what_to_type_into_cucm
from .logs import ServiceLog, start_service_log
from .systemd import tell_ready, tell_reloading, tell_stopping

_FILES_SECONDS: Final = 5
"""How often the files of the certificate and of users are looked at."""

_log = logging.getLogger(__name__)


def run(settings: Settings, reread: Callable[[], Settings]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 after a stop, 1 if it could not start.

    `reread` reads the settings anew, for a reload; it raises SettingsError.
    """
    open_standard_streams()
    service_log = start_service_log(settings.log.level)
    try:
        asyncio.run(_serve(settings, reread, service_log))
    except (AccessLogError, CertificateError, ListenError, LoginFileError, SettingsError) as error:
        problem = str(error)
    else:
        problem = ""
    finally:
        service_log.stop()
    if problem:
        print(f"licensegate: {problem}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings, reread: Callable[[], Settings], service_log: ServiceLog) -> None:
    stop = _stop_signals()  # first: the kernel drops what a container's first process has no handler for
    serving = Components(settings, reread, service_log)
    try:
        with _controlled(serving) as control:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload, serving, control, "SIGHUP")
            _say_ready(serving)
            gc.freeze()  # what is here now stays: the collector need not look at it again
            watching = asyncio.ensure_future(_watch_files(serving))
            await stop.acquire()
            watching.cancel()
            await _drain(serving.gate, serving.settings.limits.drain_seconds, stop)
    finally:
        await serving.stop_watching()
        serving.close()


@contextlib.contextmanager
def _controlled(serving: Components) -> Iterator[Control]:
    """Serve the control socket, if there is a place for it."""
    control = Control({"reload": lambda who: _reload(serving, control, who)})
    _place(control, serving)
    try:
        yield control
    finally:
        control.close()


def _place(control: Control, serving: Components) -> None:
    """Have the control socket where the settings in force want it; without it, SIGHUP still reloads."""
    try:
        control.serve_at(control_path(serving.settings.state_directory, os.environ))
    except ControlError as error:
        _log.error("%s; only SIGHUP reloads", error)


def _reload(serving: Components, control: Control, who: str) -> Reply:
    if serving.gate.draining:  # of which the service manager has been told
        return serving.reload(who)
    tell_reloading(os.environ)
    reply = serving.reload(who)
    _place(control, serving)
    tell_ready(os.environ, _status(serving))
    return reply


def _say_ready(serving: Components) -> None:
    status = _status(serving)
    _log.info("ready: %s", status)
    _log.info("%s", what_to_type_into_cucm([listener.port for listener in serving.gate.listeners]))
    tell_ready(os.environ, status)


def _status(serving: Components) -> str:
    names = ", ".join(listener.name for listener in serving.gate.listeners)
    return f"listening on {names}; settings from {serving.settings.source}"


async def _watch_files(serving: Components) -> None:
    while True:
        await asyncio.sleep(_FILES_SECONDS)
        serving.look_at_certificate()
        serving.look_at_users()


async def _drain(gate: Gate, seconds: float, stop: asyncio.Semaphore) -> None:
    tell_stopping(os.environ, seconds)
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
    """Released once for each SIGTERM or SIGINT: the first drains, the second ends at once."""
    signals = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.release)
    return signals
