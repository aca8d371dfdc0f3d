"""The products to ask: values that the settings file's `[[product]]` tables become."""

from pathlib import Path
from typing import Final

from msgspec import Struct

LEAST_SECONDS: Final = 6 * 3600
"""The shortest interval: a product renews its authorization every 30 days, and AXL is a service of call control."""

AXL_VERSION: Final = "12.5"
"""CUCM accepts the schema of its own release and of the two before: this one serves 12.5, 14 and 15."""


class AskedProduct(Struct, frozen=True):
    """A publisher and the account to ask it with.

    `client` is the name of the product's `[[client]]`. The server is verified by the roots in `ca`, or is the one whose
    certificate has the SHA-256 `fingerprint` (64 hexadecimal digits); with neither, by the system's roots. `every` is
    in seconds.
    """

    client: str
    host: str
    port: int
    username: str
    password_file: Path
    ca: Path | None = None
    fingerprint: str = ""
    every: int = LEAST_SECONDS
    axl_version: str = AXL_VERSION

    @property
    def login(self) -> str:
        """Where which user logs in: a password refused there is not refused elsewhere."""
        return f"{self.username} {self.address}"

    @property
    def address(self) -> str:
        """`HOST:PORT`, with an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
