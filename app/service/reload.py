"""Puts new settings, certificates and users in force while the gate serves. No open tunnel is dropped."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from licensegate.app.observers.access_log import AccessLogError, close_log, open_log
from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.pem import CertificateError
from licensegate.files.off_loop import OffLoop
from licensegate.ledger.clients import ClientNames
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.net.listener import ListenError

from .changes import changes
from .components import Components, log_notable_settings
from .control import Reply
from .file_check import FileCheck
from .parts import Parts, read_parts, warn_of_expiry

_READ_SECONDS: Final = 15
"""How long a reload may take to read its files. The control socket's client waits for two of them."""

_REOPEN_SECONDS: Final = 2
"""How long a reload that was refused may take to open the access log again."""

_HANGING_READS: Final = 4
"""How many reads may hang before a reload waits for them: it may name other files than the one that hangs."""

_log = logging.getLogger(__name__)


class _StoppingError(Exception):
    """The gate stops."""


class Reloader:
    """Reloads the components of a gate. `read_settings` reads the settings file; it raises SettingsError."""

    def __init__(self, components: Components, read_settings: Callable[[], Settings]) -> None:
        self.components = components
        self._read_settings = read_settings
        self._files = OffLoop(_HANGING_READS)
        self._logs = OffLoop(_HANGING_READS)

    async def reload(self, requester: str, *, defaults: bool = False) -> Reply:
        """Read the settings again and put them in force. If any of them cannot be used, change nothing.

        Settings that were emptied are refused, too, unless the requester wants the `defaults`.
        """
        components, gate = self.components, self.components.gate
        before, served = components.parts, gate.snapshot.identity
        try:
            async with asyncio.timeout(_READ_SECONDS):
                parts = await self._files.run(partial(self._read, before, defaults))
                opened_log = await self._logs.run(partial(open_log, parts.settings.log), close_log)
            with components.access_log.adopting(parts.settings.log, opened_log):
                if gate.draining:  # adopting would make it listen again
                    raise _StoppingError
                self._adopt(parts)
        except _StoppingError:
            return await self._refuse(requester, "the gate is stopping")
        except (AccessLogError, CertificateError, ListenError, LoginFileError, SettingsError) as error:
            return await self._refuse(requester, f"the settings in force stay: {error}")
        except TimeoutError:
            return await self._refuse(
                requester,
                f"the settings in force stay: their files have not been read for {_READ_SECONDS} s; does a network "
                "mount hang?",
            )
        changed = "; ".join(changes(before, served, parts)) or "nothing has changed"
        message = f"{changed}; {components.status}"
        _log.info("reload requested by %s: %s", requester, message)
        log_notable_settings(parts.settings)
        components.warn_of_unused()
        return Reply(True, message)

    def certificate_check(self) -> FileCheck:
        """Return the check of the certificate's files."""
        return FileCheck(
            "certificate",
            "the certificate in force stays",
            lambda: self.components.parts.certificate,
            self.adopt_certificate,
            CertificateError,
        )

    def user_check(self) -> FileCheck:
        """Return the check of the files of users."""
        return FileCheck(
            "users",
            "the users in force stay",
            lambda: self.components.parts.authenticator_reloader,
            self.adopt_users,
            LoginFileError,
        )

    def adopt_certificate(self) -> None:
        """Serve the certificate that was read last, if it is another one."""
        gate = self.components.gate
        before, identity = gate.snapshot.identity, self.components.parts.certificate.value
        if identity is before:
            return
        gate.adopt(msgspec.structs.replace(gate.snapshot, identity=identity))
        if before is not None and before.fingerprint == identity.fingerprint:
            if before.client_trust == identity.client_trust:
                return
            _log.info("the certificate files were read again; the gate's certificate has not changed")
        else:
            _log.info("a new certificate is in force, SHA-256 %s", identity.fingerprint)
        warn_of_expiry(identity)

    def adopt_users(self) -> None:
        """Use the users that were read last, if they are others."""
        gate, authenticator = self.components.gate, self.components.parts.authenticator_reloader.authenticator
        if authenticator is not gate.snapshot.authenticator:
            gate.adopt(msgspec.structs.replace(gate.snapshot, authenticator=authenticator))

    def _read(self, in_force: Parts, defaults: bool) -> Parts:
        """Read the settings and every file that they name. Raises what `read_parts` raises."""
        settings = self._read_settings()
        if settings.file_is_empty and not in_force.settings.file_is_empty and not defaults:
            raise SettingsError(
                f"{settings.source}: there is no setting in it, so the built-in defaults would be in force; write the "
                "settings again, or type `licensegate reload --defaults`"
            )
        return read_parts(settings, in_force)

    def _adopt(self, parts: Parts) -> None:
        """First do all that may fail, the listeners last because they cannot be undone; then adopt the rest."""
        components, gate, settings = self.components, self.components.gate, parts.settings
        with components.adopting_admin(parts) as leaving:
            gate.listen(settings.listen, leaving)
        components.parts = parts
        self.adopt_certificate()
        gate.adopt(components.snapshot())
        components.products.adopt(settings.products)
        components.ledger.adopt(settings.ledger, ClientNames(settings.named_clients))
        gate.dial_by(settings.dial, settings.dns, settings.parents)
        components.looks.settings_changed()
        components.service_log.adopt(settings.log.format)
        logging.getLogger().setLevel(settings.log.level.upper())

    async def _refuse(self, requester: str, reason: str) -> Reply:
        """Log and return the refusal.

        Reopens the access log all the same: if a log rotation asked, the file in use will soon be deleted.
        """
        _log.error("reload requested by %s refused: %s", requester, reason)
        log = self.components.settings.log
        try:
            async with asyncio.timeout(_REOPEN_SECONDS):
                opened_log = await self._logs.run(partial(open_log, log), close_log)
            with self.components.access_log.adopting(log, opened_log):
                pass
        except AccessLogError as error:
            _log.error("the access log was not reopened: %s", error)
        except TimeoutError:
            _log.error(
                "the access log was not reopened: %s has not been opened for %g s; does a network mount hang?",
                log.access,
                _REOPEN_SECONDS,
            )
        return Reply(False, f"refused: {reason}")
