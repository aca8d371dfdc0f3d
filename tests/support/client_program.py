"""Types that describe a client under test and the protocols it can speak to the gate."""

import enum
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from support.licensing_exchange import URL

PORTS = (443, 3128, 8080)
"""The default ports of the gate. Each accepts every protocol."""

GATE_NAME = "gate.test"
"""The host name of the gate in a `Lab`."""


class Post(Struct, frozen=True):
    """A POST of the message to `url`, through `proxy` or directly.

    The client gets a user and password in the proxy's URL the way its users set them. `server_name`, if set, replaces
    the URL's host in TLS.
    """

    url: str
    proxy: str = ""
    server_name: str = ""


class GateProtocol(enum.StrEnum):
    """The record's `protocol`: HTTP, HTTP inside TLS to the gate, or TLS for a target sent straight to the gate."""

    HTTP = "http"
    HTTPS = "https"
    TLS = "tls"

    def post_via(self, port: int = 3128, url: str = URL, *, gate: str = GATE_NAME, server_name: str = "") -> Post:
        """A POST over this protocol through this port. For bare TLS, the URL gets the port and no proxy is set."""
        if self is not GateProtocol.TLS:
            return Post(url, f"{self}://{gate}:{port}", server_name)
        parts = urlsplit(url)
        return Post(parts._replace(netloc=f"{parts.hostname}:{port}").geturl())


class Trust(Struct, frozen=True):
    """The roots that a client trusts, as a PEM file and as a Java trust store."""

    pem: Path
    java: Path


class RefusalDetail(enum.IntEnum):
    """How much of a refusal a client shows its user. Each level includes the ones before."""

    CODE = 1
    REASON = 2
    BODY = 3


class CertificateAlert(enum.Enum):
    """The alert a client sends when it rejects a certificate: in the clear, encrypted by TLS 1.3, or none."""

    IN_THE_CLEAR = enum.auto()
    ENCRYPTED = enum.auto()
    NONE = enum.auto()


class Client(Struct, frozen=True, kw_only=True):
    """A client program.

    `post` runs it with the command prefix `inside` and returns what it showed its user for each POST. `http` is the
    version and `agent` a pattern for the User-Agent of its CONNECT. `refusal` is a pattern with one or more groups for
    the status line of a refusal as the client shows it. `sets_server_name`: it can send a server name other than the
    URL's host.
    """

    name: str
    protocols: tuple[GateProtocol, ...]
    post: Callable[[Sequence[str], Trust, Sequence[Post]], list[str]]
    refusal: str
    refusal_detail: RefusalDetail = RefusalDetail.REASON
    certificate_alert: CertificateAlert = CertificateAlert.IN_THE_CLEAR
    http: str = "1.1"
    agent: str = "$"
    sets_server_name: bool = False

    def __str__(self) -> str:
        return self.name
