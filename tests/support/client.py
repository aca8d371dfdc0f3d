"""The ways into the gate, and its clients: each a small value that knows how its program is told to go them."""

import enum
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from support.exchange import URL

PORTS = (443, 3128, 8080)
"""Where the packaged gate listens, and every way in is open on each."""

GATE_NAME = "gate.test"
"""What the gate of a `place` is called."""


class Visit(Struct, frozen=True):
    """A message to be posted: to which URL, and by which proxy; without one, directly. A user and a password in the
    proxy's URL are handed to the client as its users do.

    `server_name` is what the client asks for in TLS if that is not the URL's host, as none does by itself.
    """

    url: str
    proxy: str = ""
    server_name: str = ""


class Door(enum.StrEnum):
    """What is spoken to the gate, as the record's `protocol` calls it: HTTP, HTTP within TLS, or TLS for a target."""

    HTTP = "http"
    HTTPS = "https"
    TLS = "tls"

    def visit(self, port: int = 3128, url: str = URL, *, gate: str = GATE_NAME, server_name: str = "") -> Visit:
        """How a client that is to come this way to this port is set up; for bare TLS, its DNS is said to be."""
        if self is not Door.TLS:
            return Visit(url, f"{self}://{gate}:{port}", server_name)
        parts = urlsplit(url)
        return Visit(parts._replace(netloc=f"{parts.hostname}:{port}").geturl())


class Trust(Struct, frozen=True):
    """The roots that a client trusts: as a PEM file, and as a trust store of Java's."""

    pem: Path
    java: Path


class Tells(enum.IntEnum):
    """How much of a refusal a client shows its user: whoever shows more shows what comes before it too."""

    CODE = 1
    REASON = 2
    BODY = 3


class Rejects(enum.Enum):
    """What a client says to a server whose certificate it rejects: an alert, one that TLS 1.3 hides, or nothing."""

    ALOUD = enum.auto()
    SEALED = enum.auto()
    SILENTLY = enum.auto()


class Client(Struct, frozen=True, kw_only=True):
    """A program that posts the message, behind a command `inside`, and what it showed its user for each visit.

    `http` and `agent` are the version and a pattern for the User-Agent of its CONNECT; `refusal` is a pattern for what
    it shows of a refusal's status line, in one group or several. `renames`: it can ask for another server name than the
    URL's.
    """

    name: str
    doors: tuple[Door, ...]
    post: Callable[[Sequence[str], Trust, Sequence[Visit]], list[str]]
    refusal: str
    tells: Tells = Tells.REASON
    rejects: Rejects = Rejects.ALOUD
    http: str = "1.1"
    agent: str = "$"
    renames: bool = False

    def __str__(self) -> str:
        return self.name
