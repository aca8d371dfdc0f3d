"""A parent proxy as the gate knows it, from one tunnel to the next."""

import logging
import ssl

from licensegate.files.watch import FileWatch

from .account import Account
from .health import ParentHealth
from .settings import ParentProxy

_log = logging.getLogger(__name__)


class Parent:
    """Its settings, who the gate is there, how it has done lately, and whom the gate trusts to be it.

    The account and the health outlast a reload. The roots are read anew at each, and when their file has changed.
    """

    def __init__(self, settings: ParentProxy, account: Account, health: ParentHealth) -> None:
        self.settings = settings
        self.account = account
        self.health = health
        self._trust: FileWatch[ssl.SSLContext] | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """Verifies it by its name and the roots that its file has now; raises OSError if there never were any."""
        if self._trust is None:
            self._trust = FileWatch(self._verifying, filter(None, (self.settings.ca,)))
        try:
            self._trust.look()
        except OSError as error:
            _log.error(
                "the roots in force for the parent proxy %s stay: %s: %s",
                self,
                self.settings.ca,
                error.strerror or error,
            )
        return self._trust.value

    def _verifying(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.settings.ca)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def __str__(self) -> str:
        return self.settings.address
