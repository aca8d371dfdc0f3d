"""Runs the gate: from settings to the line that says ready, and from a signal to the last drained tunnel."""

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from licensegate.certs.identity import CertificateError
from licensegate.certs.obtain import obtain_identity
from licensegate.certs.watch import IdentityWatch
from licensegate.proxy.auth.sources import Sources
from licensegate.proxy.checks import Checks
from licensegate.proxy.gate import Gate
from licensegate.proxy.listener import Listener, ListenError
from licensegate.proxy.snapshot import Snapshot

from .observers.access_log import AccessLog, AccessLogError
from .service_log import ServiceLog, start_service_log
from .settings import Settings, SettingsError

if TYPE_CHECKING:
    from .admin.watch import Watch

_CERTIFICATE_SECONDS: Final = 5
"""How often the certificate's files are looked at."""

_OTHER_DESCRIPTORS: Final = 256
"""What the gate itself needs, dials in progress and pipes included."""

_log = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 after a stop, 1 if it could not start."""
    service_log = start_service_log(settings.log.level)
    try:
        certificate = _certificate(settings)
        with contextlib.closing(AccessLog(settings.log.access)) as access_log:
            asyncio.run(_serve(settings, certificate, access_log, service_log))
    except (AccessLogError, CertificateError, ListenError, SettingsError) as error:
        problem = str(error)
    else:
        problem = ""
    finally:
        service_log.stop()
    if problem:
        print(f"licensegate: {problem}", file=sys.stderr)
        return 1
    return 0


def _certificate(settings: Settings) -> IdentityWatch:
    tls = settings.tls
    watch = obtain_identity(tls.certificate, tls.key, tls.names, tls.client_ca, settings.state_directory)
    identity = watch.identity
    _log.info("TLS to the gate by the certificate %s, SHA-256 %s", identity.source, identity.fingerprint)
    return watch


async def _serve(
    settings: Settings, certificate: IdentityWatch, access_log: AccessLog, service_log: ServiceLog
) -> None:
    _raise_descriptor_limit(settings.limits.tunnels)
    checks = Checks(settings.tunnel, settings.tunnel_networks)
    clients = Sources(settings.client_networks)
    snapshot = Snapshot(clients, settings.policy, settings.limits, checks, certificate.identity)
    gate = Gate(snapshot, settings.dial, settings.dns, [access_log.observe])
    watch: Watch | None = None
    try:
        gate.open(settings.listen)
        watch = await _watch(gate, settings, access_log, service_log)
        stop = _stop_signals()
        names = ", ".join(listener.name for listener in gate.listeners)
        _log.info("ready: listening on %s; settings from %s", names, settings.source)
        _log.info("%s", what_to_type_into_cucm(gate.listeners))
        gc.freeze()  # what is here now stays: the collector need not look at it again
        watching = asyncio.ensure_future(_watch_certificate(certificate, gate))
        await stop.acquire()
        watching.cancel()
        await _drain(gate, settings.limits.drain_seconds, stop)
    finally:
        gate.close()
        if watch is not None:
            await watch.stop()


async def _watch(gate: Gate, settings: Settings, access_log: AccessLog, service_log: ServiceLog) -> "Watch | None":
    """Start the admin server, unless there is to be none. Only the packaged address may be one that cannot be bound."""
    listen = settings.admin.listen
    if listen is None:
        return None
    from .admin.watch import Watch  # aiohttp takes 0.1 s and 12 MB

    dropped = {"access": lambda: access_log.dropped, "service": lambda: service_log.dropped}
    try:
        watch = Watch(gate, listen, settings, dropped)
    except ListenError as error:
        if listen.named:
            raise
        _log.warning("%s (the default of admin.listen; nobody can watch this gate)", error)
        return None
    await watch.server.start()
    _log.info("metrics and health on http://%s/", watch.server.name)
    return watch


async def _watch_certificate(certificate: IdentityWatch, gate: Gate) -> None:
    """Serve a new certificate once its files have changed; one that cannot be used is named, and the old one stays."""
    while True:
        await asyncio.sleep(_CERTIFICATE_SECONDS)
        try:
            changed = certificate.look()
        except CertificateError as error:
            _log.error("the certificate in force stays: %s", error)
            continue
        if changed:
            gate.snapshot = msgspec.structs.replace(gate.snapshot, identity=certificate.identity)
            _log.info("a new certificate is in force, SHA-256 %s", certificate.identity.fingerprint)


async def _drain(gate: Gate, seconds: float, stop: asyncio.Semaphore) -> None:
    _log.info("stopping: %d connections open, draining for up to %g s", gate.open_connections, seconds)
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


def _raise_descriptor_limit(tunnels: int) -> None:
    """A tunnel needs two descriptors; take what the system grants, and say so if that is too little."""
    wanted = 2 * tunnels + _OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted < wanted:
        _log.warning(
            "%d open files are allowed, enough for %d tunnels of limits.tunnels = %d; raise the limit (ulimit -n, "
            "LimitNOFILE), or lower limits.tunnels",
            granted,
            max(granted - _OTHER_DESCRIPTORS, 0) // 2,
            tunnels,
        )


def what_to_type_into_cucm(listeners: Sequence[Listener]) -> str:
    """The proxy fields of CUCM's licensing page (CUCM System Configuration Guide, Smart Software Licensing)."""
    ports = list(dict.fromkeys(listener.port for listener in listeners))
    others = f" (or {', '.join(map(str, ports[1:]))})" if len(ports) > 1 else ""
    return (
        "in CUCM, System > Licensing > License Management > View/Edit, choose HTTP/HTTPS Proxy and type: "
        f"IP Address/Host Name {_own_address()}, Port {ports[0]}{others}"
    )


def _own_address() -> str:
    """The address of the interface that outgoing traffic takes; connecting a datagram socket sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 443))  # TEST-NET-1, RFC 5737
        return str(probe.getsockname()[0])
    return socket.gethostname()
