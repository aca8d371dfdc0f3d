"""The state of one parent proxy between tunnels: settings, account, health, trusted roots."""

import logging
import ssl

from licensegate.certs.roots import roots_context
from licensegate.files.watch import FileWatch

from .account import Account
from .awaited_dial import ParentError
from .health import ParentHealth
from .settings import ParentProxy

_log = logging.getLogger(__name__)


class Parent:
    """One parent proxy.

    Account and health outlast a reload. The roots are read again at each reload and whenever their file changes.
    """

    def __init__(self, settings: ParentProxy, account: Account, health: ParentHealth) -> None:
        self.settings = settings
        self.account = account
        self.health = health
        self._roots: FileWatch[ssl.SSLContext] | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """Verifies the parent by its name and the current roots. Raises OSError if they could never be read."""
        if self._roots is None:
            self._roots = FileWatch(self._make_context, filter(None, (self.settings.ca,)))
        try:
            self._roots.look()
        except OSError as error:
            _log.error(
                "the roots in force for the parent proxy %s stay: %s: %s",
                self,
                self.settings.ca,
                error.strerror or error,
            )
        return self._roots.value

    def note_failure(self, failure: ParentError, now: float) -> None:
        """Leave the parent out for a while, and log that."""
        pause = self.health.failed(now)
        if pause:
            _log.warning("the parent proxy %s is left out for %g s: %s", self, pause, failure)

    def note_answer(self) -> None:
        """Use the parent again: it answered, if only with a refusal."""
        if self.health.answered():
            _log.info("the parent proxy %s answers again", self)

    def _make_context(self) -> ssl.SSLContext:
        context = roots_context(self.settings.ca)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def __str__(self) -> str:
        return self.settings.address
