"""The parts of a running gate, built from one set of settings. `reload` exchanges the settings."""

import contextlib
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Mode
from licensegate.app.observers.access_log import AccessLog
from licensegate.app.observers.registry import Observers
from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.identity import SOON, ServerIdentity
from licensegate.certs.load_or_create import load_or_create_identity
from licensegate.certs.pem import CertificateError
from licensegate.files.watch import FileWatch
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient

from .authenticator_reloader import AuthenticatorReloader
from .host import raise_descriptor_limit
from .logs import ServiceLog
from .state_directory import usable_state_directory

if TYPE_CHECKING:
    from licensegate.app.admin.site import AdminSite

_log = logging.getLogger(__name__)


class Components:
    """The gate, its certificate, its authenticator, its access log and its admin site, and the settings in force.

    Needs a running event loop. Raises AccessLogError, CertificateError, ListenError, LoginFileError or SettingsError if
    the gate cannot serve.
    """

    def __init__(self, settings: Settings, service_log: ServiceLog) -> None:
        self.settings = settings
        self._service_log = service_log
        self._admin_site: AdminSite | None = None
        raise_descriptor_limit(settings.limits)
        self.certificate = open_certificate(settings)
        self.authenticator_reloader = AuthenticatorReloader(settings.auth)
        self._observers = Observers(settings.log, lambda: self.gate.snapshot.policy)
        self.access_log = self._observers.get(AccessLog)
        self.gate = Gate(self.snapshot(), settings.dial, settings.dns, settings.parents)
        self._observers.attach(self.gate)
        try:
            with self.adopting_admin(settings):
                self.gate.listen(settings.listen)
        except (ListenError, SettingsError):
            self.close()
            raise
        log_notable_settings(settings)

    def close(self) -> None:
        """Cut the open connections and write the waiting log lines."""
        self.gate.close()
        self._observers.close()

    async def stop_admin(self) -> None:
        """Answer the requests in progress on the admin pages, and close them."""
        if self._admin_site is not None:
            await self._admin_site.stop()

    def adopting_admin(self, settings: Settings) -> contextlib.AbstractContextManager[None]:
        """Use these settings of the admin site unless the block raises. Raises ListenError or SettingsError."""
        if self._admin_site is None:
            if settings.admin.listen is None:
                return contextlib.nullcontext()
            from licensegate.app.admin.site import AdminSite  # aiohttp takes 0.1 s and 12 MB

            dropped = {"access": lambda: self.access_log.dropped, "service": lambda: self._service_log.dropped}
            self._admin_site = AdminSite(self.gate, self._observers, dropped)
        return self._admin_site.adopting(settings.admin, settings.probe_seconds)

    def snapshot(self) -> Snapshot:
        """Return the snapshot for new connections: the settings, certificate and authenticator in force."""
        settings = self.settings
        return Snapshot(
            ClientNetworks(settings.client_networks),
            settings.policy,
            settings.limits,
            ChecksByClient(settings.tunnel, settings.tunnel_networks),
            self.certificate.value,
            self.authenticator_reloader.authenticator,
        )


def open_certificate(settings: Settings) -> FileWatch[ServerIdentity]:
    """Load the gate's certificate and watch its files. Raises CertificateError or SettingsError."""
    tls = settings.tls
    state = usable_state_directory(settings.state_directory, named=settings.state_named)
    watch = load_or_create_identity(tls.certificate, tls.key, tls.names, tls.client_ca, state, tls.client_crl)
    _log.info("TLS to the gate uses the certificate %s, SHA-256 %s", watch.value.source, watch.value.fingerprint)
    warn_of_expiry(watch.value)
    return watch


def warn_of_expiry(identity: ServerIdentity) -> None:
    """Log a warning if the certificate has expired or will soon."""
    with contextlib.suppress(CertificateError):  # only OpenSSL can read it
        left = identity.not_after - datetime.now(UTC)
        if left < SOON:
            expires = "expired" if left < timedelta() else "expires"
            _log.warning(
                "the certificate %s %s on %s: replace it", identity.source, expires, f"{identity.not_after:%F}"
            )


def log_notable_settings(settings: Settings) -> None:
    """Log the settings that change what an operator expects: parent proxies, and an allowlist that only reports."""
    if settings.parents.proxies:
        parents = ", ".join(map(str, settings.parents.proxies))
        _log.info("targets are reached through %s%s", parents, ", else directly" if settings.parents.direct else "")
    if settings.policy.mode is Mode.REPORT:
        _log.warning("allowlist.mode is report: targets that are not allowed pass, and are only recorded")
