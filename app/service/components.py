"""What a running gate is made of, and how one set of settings takes another's place without a dropped tunnel."""

import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Mode
from licensegate.app.observers.access_log import AccessLog, AccessLogError
from licensegate.app.observers.registry import Observers
from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.identity import SOON, ServerIdentity
from licensegate.certs.obtain import obtain_identity
from licensegate.certs.pem import CertificateError
from licensegate.files.watch import FileWatch
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.gate import Gate
from licensegate.proxy.net.listener import ListenError
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient

from .authenticator_reloader import AuthenticatorReloader
from .control import Reply
from .host import make_state_directory, raise_descriptor_limit
from .logs import ServiceLog

if TYPE_CHECKING:
    from licensegate.app.admin.site import AdminSite

_log = logging.getLogger(__name__)


class Components:
    """The gate, its certificate, its access log and its admin server, by the settings in force.

    `reread` reads the settings anew. To be made in a running event loop. Raises AccessLogError, CertificateError,
    ListenError, LoginFileError or SettingsError if it cannot serve.
    """

    def __init__(self, settings: Settings, reread: Callable[[], Settings], service_log: ServiceLog) -> None:
        self.settings = settings
        self._reread = reread
        self._service_log = service_log
        self._watch: AdminSite | None = None
        raise_descriptor_limit(settings.limits.tunnels)
        self._certificate = _obtain(settings)
        self._reloader = AuthenticatorReloader(settings.auth)
        self._observers = Observers(settings.log.access, lambda: self.gate.snapshot.policy)
        self._access_log = self._observers.get(AccessLog)
        self.gate = Gate(self._snapshot(settings), settings.dial, settings.dns, settings.parents)
        self._observers.attach(self.gate)
        try:
            with self._watching(settings):
                self.gate.listen(settings.listen)
        except (ListenError, SettingsError):
            self.close()
            raise
        _say_what_stands_out(settings)

    def close(self) -> None:
        """Cut the connections that are open and write the lines that wait."""
        self.gate.close()
        self._observers.close()

    async def stop_watching(self) -> None:
        """Answer what was asked on the admin pages, and close them."""
        if self._watch is not None:
            await self._watch.stop()

    def reload(self, who: str) -> Reply:
        """Put the settings in force as they are written now; if that cannot be, nothing changes. `who` asked for it."""
        if self.gate.draining:  # else it would listen again
            return self._refuse(who, "the gate is stopping")
        before = self.gate.snapshot.policy.hash
        try:
            settings = self._reread()
            self._adopt(settings)
        except (AccessLogError, CertificateError, ListenError, LoginFileError, SettingsError) as error:
            return self._refuse(who, f"the settings in force stay: {error}")
        names = ", ".join(listener.name for listener in self.gate.listeners)
        policy = f"policy {before} gave way to {settings.policy.hash}"
        said = f"{policy}; listening on {names}; settings from {settings.source}"
        _log.info("reload asked for by %s: %s", who, said)
        _say_what_stands_out(settings)
        return Reply(True, said)

    def look_at_certificate(self) -> None:
        """Serve a new certificate once its files have changed; one that cannot be used is named, the old one stays."""
        try:
            changed = self._certificate.look()
        except CertificateError as error:
            _log.error("the certificate in force stays: %s", error)
            return
        if changed:
            before, identity = self.gate.snapshot.identity, self._certificate.value
            self.gate.adopt(msgspec.structs.replace(self.gate.snapshot, identity=identity))
            if before is not None and before.fingerprint == identity.fingerprint:
                _log.info("the files of certificates were read again; the gate's own is the same")
            else:
                _log.info("a new certificate is in force, SHA-256 %s", identity.fingerprint)
            _warn_of_end(identity)

    def look_at_users(self) -> None:
        """Let in who is in the files of users by now; a file that cannot be used is named, the old users stay."""
        try:
            changed = self._reloader.look()
        except LoginFileError as error:
            _log.error("the users in force stay: %s", error)
            return
        if changed:
            self.gate.adopt(msgspec.structs.replace(self.gate.snapshot, authenticator=self._reloader.authenticator))

    def _adopt(self, settings: Settings) -> None:
        """First whatever may fail, the listeners last of these, since they cannot be taken back; then the rest."""
        certificate = self._certificate if _same_certificate(settings, self.settings) else _obtain(settings)
        reloader = self._reloader.successor(settings.auth)
        with self._access_log.reopening(settings.log.access), self._watching(settings):
            self.gate.listen(settings.listen)
        self._certificate = certificate
        self._reloader = reloader
        self.settings = settings
        self.gate.adopt(self._snapshot(settings))
        self.gate.dial_by(settings.dial, settings.dns, settings.parents)
        raise_descriptor_limit(settings.limits.tunnels)
        logging.getLogger().setLevel(settings.log.level.upper())
        self.look_at_certificate()

    def _refuse(self, who: str, why: str) -> Reply:
        """Say so, and begin the log anew: a rotation may have asked, after which the file in use is soon deleted."""
        _log.error("reload asked for by %s is refused, %s", who, why)
        try:
            with self._access_log.reopening(self.settings.log.access):
                pass
        except AccessLogError as error:
            _log.error("the access log stays as it is: %s", error)
        return Reply(False, f"refused, {why}")

    def _watching(self, settings: Settings) -> contextlib.AbstractContextManager[None]:
        """Be watched by these settings from now on, unless the block raises. Raises ListenError or SettingsError."""
        if self._watch is None:
            if settings.admin.listen is None:
                return contextlib.nullcontext()
            from licensegate.app.admin.site import AdminSite  # aiohttp takes 0.1 s and 12 MB

            dropped = {"access": lambda: self._access_log.dropped, "service": lambda: self._service_log.dropped}
            self._watch = AdminSite(self.gate, self._observers, dropped)
        return self._watch.adopting(settings.admin, settings.probe_seconds)

    def _snapshot(self, settings: Settings) -> Snapshot:
        return Snapshot(
            ClientNetworks(settings.client_networks),
            settings.policy,
            settings.limits,
            ChecksByClient(settings.tunnel, settings.tunnel_networks),
            self._certificate.value,
            self._reloader.authenticator,
        )


def _obtain(settings: Settings) -> FileWatch[ServerIdentity]:
    tls = settings.tls
    if settings.state_directory is not None:
        make_state_directory(settings.state_directory)
    watch = obtain_identity(
        tls.certificate, tls.key, tls.names, tls.client_ca, settings.state_directory, tls.client_crl
    )
    _log.info("TLS to the gate by the certificate %s, SHA-256 %s", watch.value.source, watch.value.fingerprint)
    _warn_of_end(watch.value)
    return watch


def _warn_of_end(identity: ServerIdentity) -> None:
    with contextlib.suppress(CertificateError):  # only OpenSSL can read it
        left = identity.not_after - datetime.now(UTC)
        if left < SOON:
            ends = "expired" if left < timedelta() else "expires"
            _log.warning("the certificate %s %s on %s: replace it", identity.source, ends, f"{identity.not_after:%F}")


def _same_certificate(new: Settings, old: Settings) -> bool:
    """One that the gate made for itself alone must outlive a reload."""
    return (new.tls, new.state_directory) == (old.tls, old.state_directory)


def _say_what_stands_out(settings: Settings) -> None:
    if settings.parents.proxies:
        parents = ", ".join(map(str, settings.parents.proxies))
        _log.info("targets are reached through %s%s", parents, ", else directly" if settings.parents.direct else "")
    if settings.policy.mode is Mode.REPORT:
        _log.warning("allowlist.mode is report: targets that are not allowed pass, and are only recorded")
