"""Who may see which admin page. Pure: it sees values, never a socket or the server.

Metrics and health name no client and are open to networks. The other pages name clients: they need the token, or a
program on this host.
"""

import enum
import hmac
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.allowlist.client_networks import ClientNetworks, Network
from licensegate.allowlist.target import is_address
from licensegate.app.settings import SettingsError
from licensegate.files.read import read_whole

_LOOPBACK: Final = ClientNetworks((ip_network("127.0.0.0/8"), ip_network("::1/128")))
_MIN_TOKEN_CHARACTERS: Final = 16
_MAX_FILE_BYTES: Final = 4096


class Audience(enum.Enum):
    """Who may see a page."""

    OPEN = "open"
    """It names no client: `admin.networks`, this host, and anybody with the token."""

    TRUSTED = "trusted"
    """It may name clients: this host, and anybody with the token."""


class AccessRequest(Struct, frozen=True):
    """The parts of a request that access depends on.

    `source` is the address the connection comes from; `host` and `authorization` are the header fields of these names.
    `by_proxy`: another proxy forwarded the request, so `source` is that proxy's address.
    """

    source: str
    host: str = ""
    authorization: str = ""
    by_proxy: bool = False


class AccessDenied(Struct, frozen=True):
    """The status of the response and the sentence in its body."""

    status: int
    sentence: str


class Access:
    """The rules in force. Without a token, only this host sees the pages that are not open."""

    def __init__(self, networks: Iterable[Network], token: str = "") -> None:
        self._networks = ClientNetworks(networks)
        self._token = token.encode()

    def denied(self, request: AccessRequest, audience: Audience) -> AccessDenied | None:
        """Why the request may not see a page for this audience; None if it may."""
        if self._has_token(request.authorization) or _is_from_this_host(request):
            return None
        if audience is Audience.OPEN:
            if self._networks.admits(request.source):
                return None
            return AccessDenied(403, f"{request.source} may not read this page; add it to admin.networks.")
        if self._token:
            return AccessDenied(401, "This page needs the token of admin.token_file: Authorization: Bearer TOKEN.")
        return AccessDenied(
            403,
            "This page is for programs on this host that name it by address or localhost; for others, set "
            "admin.token_file.",
        )

    def _has_token(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        is_bearer = scheme.lower() == "bearer" and bool(self._token)
        return is_bearer and hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token)


def read_token(file: Path) -> str:
    """The token in a file, stripped of blanks. Raises SettingsError."""
    try:
        token = read_whole(file, _MAX_FILE_BYTES).decode("ascii").strip()
    except OSError as error:
        raise SettingsError(f"admin.token_file: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        token = ""
    if len(token) < _MIN_TOKEN_CHARACTERS or not token.isprintable() or " " in token:
        raise SettingsError(
            f"admin.token_file: {file} holds no token: one word of {_MIN_TOKEN_CHARACTERS} characters or more; make it "
            "with `openssl rand -hex 32`"
        )
    return token


def _is_from_this_host(request: AccessRequest) -> bool:
    """Whether a program on this host asks, by an address or `localhost`.

    A request forwarded by a proxy on this host does not count, nor does a browser's request for a foreign name that
    resolves to this host (DNS rebinding).
    """
    return _LOOPBACK.admits(request.source) and not request.by_proxy and _is_own_name(request.host)


def _is_own_name(host: str) -> bool:
    name = host.rpartition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return not name or name.lower() == "localhost" or is_address(name)
