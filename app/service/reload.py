"""Puts new settings, certificates and users in force while the gate serves. No open tunnel is dropped."""

import logging
from collections.abc import Callable

import msgspec

from licensegate.app.observers.access_log import AccessLogError
from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.pem import CertificateError
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.net.listener import ListenError

from .components import Components, log_notable_settings, open_certificate, warn_of_expiry
from .control import Reply
from .host import raise_descriptor_limit

_log = logging.getLogger(__name__)


class Reloader:
    """Reloads the components of a gate. `read_settings` reads the settings file; it raises SettingsError."""

    def __init__(self, components: Components, read_settings: Callable[[], Settings]) -> None:
        self.components = components
        self._read_settings = read_settings

    def reload(self, requester: str) -> Reply:
        """Read the settings again and put them in force. If any of them cannot be used, change nothing."""
        gate = self.components.gate
        if gate.draining:  # else it would listen again
            return self._refuse(requester, "the gate is stopping")
        before = gate.snapshot.policy.hash
        try:
            settings = self._read_settings()
            self._adopt(settings)
        except (AccessLogError, CertificateError, ListenError, LoginFileError, SettingsError) as error:
            return self._refuse(requester, f"the settings in force stay: {error}")
        names = ", ".join(listener.name for listener in gate.listeners)
        policy = f"policy {before} replaced by {settings.policy.hash}"
        message = f"{policy}; listening on {names}; settings from {settings.source}"
        _log.info("reload requested by %s: %s", requester, message)
        log_notable_settings(settings)
        return Reply(True, message)

    def reload_certificate(self) -> None:
        """Serve the new certificate if its files have changed. If it cannot be used, log why and keep the old one."""
        certificate, gate = self.components.certificate, self.components.gate
        try:
            changed = certificate.look()
        except CertificateError as error:
            _log.error("the certificate in force stays: %s", error)
            return
        if changed:
            before, identity = gate.snapshot.identity, certificate.value
            gate.adopt(msgspec.structs.replace(gate.snapshot, identity=identity))
            if before is not None and before.fingerprint == identity.fingerprint:
                _log.info("the certificate files were read again; the gate's certificate has not changed")
            else:
                _log.info("a new certificate is in force, SHA-256 %s", identity.fingerprint)
            warn_of_expiry(identity)

    def reload_users(self) -> None:
        """Use the new users if their files have changed. If a file cannot be used, log why and keep the old users."""
        reloader, gate = self.components.authenticator_reloader, self.components.gate
        try:
            changed = reloader.look()
        except LoginFileError as error:
            _log.error("the users in force stay: %s", error)
            return
        if changed:
            gate.adopt(msgspec.structs.replace(gate.snapshot, authenticator=reloader.authenticator))

    def _adopt(self, settings: Settings) -> None:
        """First do all that may fail, the listeners last because they cannot be undone; then adopt the rest."""
        components, gate = self.components, self.components.gate
        keeps = _same_certificate(settings, components.settings)
        certificate = components.certificate if keeps else open_certificate(settings)
        authenticator_reloader = components.authenticator_reloader.successor(settings.auth)
        with components.access_log.reopening(settings.log), components.adopting_admin(settings):
            gate.listen(settings.listen)
        components.certificate = certificate
        components.authenticator_reloader = authenticator_reloader
        components.settings = settings
        raise_descriptor_limit(settings.limits)
        gate.adopt(components.snapshot())
        gate.dial_by(settings.dial, settings.dns, settings.parents)
        logging.getLogger().setLevel(settings.log.level.upper())
        self.reload_certificate()

    def _refuse(self, requester: str, reason: str) -> Reply:
        """Log and return the refusal.

        Reopens the access log all the same: if a log rotation asked, the file in use will soon be deleted.
        """
        _log.error("reload requested by %s refused: %s", requester, reason)
        try:
            with self.components.access_log.reopening(self.components.settings.log):
                pass
        except AccessLogError as error:
            _log.error("the access log was not reopened: %s", error)
        return Reply(False, f"refused: {reason}")


def _same_certificate(new: Settings, old: Settings) -> bool:
    """Whether both settings name the same certificate. One that the gate made in memory must survive a reload."""
    return (new.tls, new.state_directory) == (old.tls, old.state_directory)
