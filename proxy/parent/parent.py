"""A parent proxy as the gate knows it, from one tunnel to the next."""

import functools
import ssl

from ..settings import ParentProxy
from .account import Account
from .standing import Standing


class Parent:
    """Its settings, who the gate is there, how it has done lately, and whom the gate trusts to be it.

    The first three outlast a reload; the roots are read anew, as their file says by then.
    """

    def __init__(self, settings: ParentProxy, account: Account, standing: Standing) -> None:
        self.settings = settings
        self.account = account
        self.standing = standing

    @functools.cached_property
    def tls(self) -> ssl.SSLContext:
        """Verifies it by its name and the roots in force; raises OSError if those cannot be read."""
        context = ssl.create_default_context(cafile=self.settings.ca)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def __str__(self) -> str:
        return self.settings.address
