"""The state of one parent proxy between tunnels: settings, account, health, trusted roots."""

import logging
import ssl

from licensegate.certs.roots import roots_context
from licensegate.files.off_loop import OffLoop
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
        self._off_loop = OffLoop()
        self._roots: FileWatch[ssl.SSLContext] | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """Verifies the parent by its name and the roots that were read last. Raises OSError if they cannot be read."""
        if self._roots is None:
            self._roots = self._read_roots()
        return self._roots.value

    async def current_tls(self) -> ssl.SSLContext:
        """Return `tls` with the roots as they are now, read off the event loop.

        If they cannot be read, or their disk or network mount hangs, those in force stay. Raises OSError if they could
        never be read.
        """
        off_loop = self._off_loop
        if self.settings.ca is None:
            return self.tls
        if self._roots is None:
            self._roots = await off_loop.run(self._read_roots)
        hung = off_loop.hangs
        try:
            await off_loop.run_briefly(self._roots.look, False)
        except OSError as error:
            self._log_roots_stay(error.strerror or str(error))
        if off_loop.hangs and not hung:
            self._log_roots_stay("its disk or network mount does not answer")
        return self._roots.value

    def _log_roots_stay(self, why: str) -> None:
        _log.error("the roots in force for the parent proxy %s stay: %s: %s", self, self.settings.ca, why)

    def _read_roots(self) -> FileWatch[ssl.SSLContext]:
        return FileWatch(self._make_context, filter(None, (self.settings.ca,)))

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
