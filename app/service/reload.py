"""Puts new settings, certificates and users in force while the gate serves.

Open tunnels go on, but for those that are no longer allowed, as far as `limits.revoke` says so.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec
from msgspec import Struct

from licensegate.app.logs.open_sink import LogPlaceError
from licensegate.app.observers.opened_logs import OpenedLogs, open_logs
from licensegate.app.overview.ended_tunnels import EndedTunnel, ids, no_longer_allowed
from licensegate.app.settings import Settings, SettingsError
from licensegate.certs.identity import ServerIdentity
from licensegate.certs.pem import CertificateError
from licensegate.files.off_loop import OffLoop
from licensegate.ledger.clients import ClientNames
from licensegate.proxy.auth.user_files import LoginFileError
from licensegate.proxy.net.listener import ListenError
from licensegate.records.change import ChangeKind, InForce
from licensegate.records.requester import CHANGED_FILES, Requester
from licensegate.records.setting_change import SettingChange, in_words

from .changes import certificate_changes, changes, in_force, sentences, user_changes
from .components import Components, log_notable_settings
from .control_protocol import Reply
from .file_check import FileCheck
from .occasions import CERTIFICATES_CHANGED, USERS_CHANGED, reload_by
from .parts import Parts, read_parts, warn_of_expiry
from .tunnel_ends import revoke_disallowed

_READ_SECONDS: Final = 15
"""How long a reload may take to read its files. The control socket's client waits for two of them."""

_REOPEN_SECONDS: Final = 2
"""How long a reload that was refused may take to open the logs again."""

_HANGING_READS: Final = 4
"""How many reads may hang before a reload waits for them: it may name other files than the one that hangs."""

_log = logging.getLogger(__name__)


class _RefusedError(Exception):
    """Nothing was put in force. `str()` says why."""


class _Adopted(Struct, frozen=True):
    """What was put in force: what differs, and the hashes before and after."""

    found: tuple[SettingChange, ...]
    before: InForce
    after: InForce

    @property
    def sentences(self) -> str:
        return sentences(self.found, self.before, self.after)


class Reloader:
    """Reloads the components of a gate. `read_settings` reads the settings file; it raises SettingsError."""

    def __init__(self, components: Components, read_settings: Callable[[], Settings]) -> None:
        self.components = components
        self._read_settings = read_settings
        self._users = components.parts.authenticator_reloader.users  # those in force
        self._files = OffLoop(_HANGING_READS)
        self._logs = OffLoop(_HANGING_READS)
        self._following = asyncio.Lock()

    async def reload(self, requesters: tuple[Requester, ...], *, defaults: bool = False) -> Reply:
        """Read the settings again and put them in force. If any of them cannot be used, change nothing.

        Settings that were emptied are refused, too, unless the requesters want the `defaults`.
        """
        try:
            adopted = await self._read_and_adopt(partial(self._read, self.components.parts, defaults), self._adopt)
        except _RefusedError as refused:
            return await self._refuse(requesters, str(refused))
        ended = await self._revoke(reload_by(*requesters))
        what = "; ".join((adopted.sentences, *no_longer_allowed(ended), self.components.status))
        self._write(adopted, ended, what, *requesters)
        log_notable_settings(self.components.settings)
        self.components.warn_of_unused()
        return Reply(True, what)

    async def follow(self, requester: Requester, read_settings: Callable[[], Settings]) -> Reply:
        """After a handover: judge what is open here by settings that another process serves, and reopen the logs.

        Listeners, dialling and the ledger stay as they are. The reply is empty if no tunnel has ended.
        """
        async with self._following:
            before = self.components.parts
            try:
                adopted = await self._read_and_adopt(lambda: read_parts(read_settings(), before), self._adopt_decisions)
            except _RefusedError as refused:
                return await self._refuse((requester,), str(refused))
            ended = await self._revoke(reload_by(requester))
            said = "; ".join(no_longer_allowed(ended))
            if adopted.found or ended:
                self._write(adopted, ended, "; ".join(filter(None, (adopted.sentences, said))), requester)
            return Reply(True, said)

    def certificate_check(self) -> FileCheck:
        """Return the check of the certificate's files."""
        return FileCheck(
            "certificate",
            "the certificate in force stays",
            lambda: self.components.parts.certificate,
            self.follow_certificate,
            CertificateError,
            partial(self._keep_files, ChangeKind.CERTIFICATE),
        )

    def user_check(self) -> FileCheck:
        """Return the check of the files of users."""
        return FileCheck(
            "users",
            "the users in force stay",
            lambda: self.components.parts.authenticator_reloader,
            self.follow_users,
            LoginFileError,
            partial(self._keep_files, ChangeKind.USERS),
        )

    async def follow_certificate(self) -> None:
        """Serve the certificate that was read last, if it is another one, and judge those of clients again."""
        served, identity = self._serve_certificate(), self.components.parts.certificate.value
        if served is None:
            return
        found = tuple(certificate_changes(served, identity))
        trusts_others = served.client_trust != identity.client_trust
        await self._follow_files(ChangeKind.CERTIFICATE, found, CERTIFICATES_CHANGED if trusts_others else "")

    async def follow_users(self) -> None:
        """Use the users that were read last, if they are others, and end the tunnels of those who were removed."""
        gate, reloader = self.components.gate, self.components.parts.authenticator_reloader
        if reloader.authenticator is gate.snapshot.authenticator:
            return
        gate.adopt(msgspec.structs.replace(gate.snapshot, authenticator=reloader.authenticator))
        await self._follow_files(ChangeKind.USERS, tuple(user_changes(self._users, reloader.users)), USERS_CHANGED)

    def _serve_certificate(self) -> ServerIdentity | None:
        """Serve the certificate that was read last. Returns the one that was served before, if there was another."""
        gate = self.components.gate
        before, identity = gate.snapshot.identity, self.components.parts.certificate.value
        if identity is before:
            return None
        gate.adopt(msgspec.structs.replace(gate.snapshot, identity=identity))
        if before is None or before.fingerprint != identity.fingerprint:
            warn_of_expiry(identity)
        return before

    async def _read_and_adopt(self, read: Callable[[], Parts], adopt: Callable[[Parts], None]) -> _Adopted:
        """Read parts, open their logs and adopt both, or neither. Raises _RefusedError."""
        components = self.components
        before, served, was = components.parts, components.gate.snapshot.identity, components.in_force
        try:
            async with asyncio.timeout(_READ_SECONDS):
                parts = await self._files.run(read)
                opened = await self._logs.run(partial(open_logs, parts.settings.log), OpenedLogs.close)
            with opened.adopted_by(partial(components.adopt_logs, parts.settings.log)):
                adopt(parts)
        except (CertificateError, ListenError, LoginFileError, LogPlaceError, SettingsError) as error:
            raise _RefusedError(f"the settings in force stay: {error}") from None
        except TimeoutError:
            raise _RefusedError(
                f"the settings in force stay: their files have not been read for {_READ_SECONDS} s; does a network "
                "mount hang?"
            ) from None
        return _Adopted(tuple(changes(before, served, self._users, parts)), was, self._now_in_force())

    def _write(self, adopted: _Adopted, ended: list[EndedTunnel], what: str, *requesters: Requester) -> None:
        """Write that settings were put in force, and which tunnels that has ended."""
        self.components.changes.write(
            ChangeKind.RELOAD,
            *requesters,
            what=what,
            settings=adopted.found,
            before=adopted.before,
            after=adopted.after,
            tunnels=ids(ended),
        )

    async def _follow_files(self, kind: ChangeKind, found: tuple[SettingChange, ...], occasion: str) -> None:
        """End tunnels on this occasion, if it is one, and write the change that files have brought about."""
        was, now = self.components.in_force, self._now_in_force()
        ended = await self._revoke(occasion) if occasion else []
        if ended or (found and not self.components.gate.draining):
            what = "; ".join((*in_words(found), *no_longer_allowed(ended)))
            self.components.changes.write(
                kind, CHANGED_FILES, what=what, settings=found, before=was, after=now, tunnels=ids(ended)
            )

    async def _revoke(self, occasion: str) -> list[EndedTunnel]:
        """End the tunnels that are no longer allowed, as far as the settings say so."""
        components = self.components
        return await revoke_disallowed(components.gate, occasion, components.settings.limits.revoke)

    def _keep_files(self, kind: ChangeKind, reason: str) -> None:
        """Write that changed files cannot be used."""
        now = self.components.in_force
        self.components.changes.write(kind, CHANGED_FILES, what=reason, ok=False, before=now, after=now)

    def _now_in_force(self) -> InForce:
        """Take note of what was adopted, and return its hashes."""
        parts = self.components.parts
        self._users = parts.authenticator_reloader.users
        self.components.in_force = in_force(parts)
        return self.components.in_force

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
        if gate.draining:  # it would listen again
            raise _RefusedError("the gate is stopping")
        with components.adopting_admin(parts) as leaving:
            gate.listen(settings.listen, leaving)
        self._adopt_decisions(parts)
        components.products.adopt(settings.products)
        components.ledger.adopt(settings.ledger, ClientNames(settings.named_clients))
        gate.dial_by(settings.dial, settings.dns, settings.parents)
        components.looks.settings_changed()
        logging.getLogger().setLevel(settings.log.level.upper())

    def _adopt_decisions(self, parts: Parts) -> None:
        """Decide by these parts from now on."""
        self.components.parts = parts
        self._serve_certificate()
        self.components.gate.adopt(self.components.snapshot())

    async def _refuse(self, requesters: tuple[Requester, ...], reason: str) -> Reply:
        """Log and return the refusal.

        Reopens the logs all the same: if a log rotation asked, the files in use will soon be deleted.
        """
        components = self.components
        now = components.in_force
        components.changes.write(ChangeKind.RELOAD, *requesters, what=reason, ok=False, before=now, after=now)
        log = components.settings.log
        try:
            async with asyncio.timeout(_REOPEN_SECONDS):
                components.adopt_logs(log, await self._logs.run(partial(open_logs, log), OpenedLogs.close))
        except LogPlaceError as error:
            _log.error("the logs were not reopened: %s", error)
        except TimeoutError:
            _log.error(
                "the logs were not reopened: %s not been opened for %g s; does a network mount hang?",
                f"{' and '.join(log.files.values())} {'have' if len(log.files) > 1 else 'has'}",
                _REOPEN_SECONDS,
            )
        return Reply(False, f"refused: {reason}")
