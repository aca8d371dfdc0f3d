"""What has to outlast a restart: when a product may be asked again, and which password file it refused."""

import hashlib
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import Struct

from .settings import AskedProduct


class LastAsk(Struct, frozen=True):
    """The last time a product was asked.

    `settings` is the digest of its settings then: with others it may be asked at once. It is left alone until `again`
    (aware, UTC). `refused` is the identity of the password's file if the product refused its password, else empty; it
    counts whatever else has changed.
    """

    settings: str
    again: datetime
    refused: str = ""


class AskMemory(Protocol):
    """Keeps the last ask of each client's product. While it is not `is_ready`, nobody knows whom it would hold back."""

    @property
    def is_ready(self) -> bool:
        """Whether `last_ask` knows what there is to know."""

    def last_ask(self, client: str) -> LastAsk | None:
        """The last ask of this client's product, None if there was none."""

    def keep_ask(self, client: str, ask: LastAsk) -> None:
        """Keep the last ask of this client's product."""


class ShortMemory:
    """Keeps nothing: the poller itself remembers as long as it runs."""

    is_ready = True

    def last_ask(self, client: str) -> LastAsk | None:
        """Always None."""
        return None

    def keep_ask(self, client: str, ask: LastAsk) -> None:
        """Do nothing."""


def settings_digest(product: AskedProduct) -> str:
    """The same for the same settings. They hold no secret: the password is in a file."""
    return hashlib.sha256(msgspec.json.encode(msgspec.to_builtins(product, enc_hook=str))).hexdigest()
