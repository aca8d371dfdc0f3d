"""Who may ask the admin server for what. Pure: it judges values, and knows neither sockets nor the server.

Metrics and health name no client and are open to networks. Whatever else there is names clients: it takes the token,
or a program on this host.
"""

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

OPEN: Final = frozenset({"/metrics", "/healthz", "/readyz", "/upstreamz"})
"""The pages that name no client."""

_LOOPBACK: Final = ClientNetworks((ip_network("127.0.0.0/8"), ip_network("::1/128")))
_SHORTEST_TOKEN: Final = 16
_MOST_BYTES: Final = 4096


class Asking(Struct, frozen=True):
    """Who asks for what.

    `source` is the address that the connection comes from, `host` and `authorization` are the fields of that name,
    `by_proxy` tells that another proxy has carried the request, so that `source` is that proxy's.
    """

    path: str
    source: str
    host: str = ""
    authorization: str = ""
    by_proxy: bool = False


class Denial(Struct, frozen=True):
    """The status of a refusal and the sentence that goes with it."""

    status: int
    sentence: str


class Access:
    """The rules in force. Without a token only this host may see what is not open."""

    def __init__(self, networks: Iterable[Network], token: str = "") -> None:
        self._networks = ClientNetworks(networks)
        self._token = token.encode()

    def denial(self, asking: Asking) -> Denial | None:
        """Why this may not be answered; None if it may."""
        if self._has_token(asking.authorization) or _is_on_this_host(asking):
            return None
        if asking.path in OPEN:
            if self._networks.admits(asking.source):
                return None
            return Denial(403, f"{asking.source} is not in the networks that may ask; add it to admin.networks.")
        if self._token:
            return Denial(401, "This page takes the token of admin.token_file: Authorization: Bearer TOKEN.")
        return Denial(
            403, "This page is for programs on the gate's own host, asked by address; for others set admin.token_file."
        )

    def _has_token(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        is_bearer = scheme.lower() == "bearer" and bool(self._token)
        return is_bearer and hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token)


def read_token(file: Path) -> str:
    """The token in a file, without the blanks around it. Raises SettingsError."""
    try:
        token = read_whole(file, _MOST_BYTES).decode("ascii").strip()
    except OSError as error:
        raise SettingsError(f"admin.token_file: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        token = ""
    if len(token) < _SHORTEST_TOKEN or not token.isprintable() or " " in token:
        raise SettingsError(
            f"admin.token_file: {file} holds no token: one word of {_SHORTEST_TOKEN} characters or more; make it with "
            "`openssl rand -hex 32`"
        )
    return token


def _is_on_this_host(asking: Asking) -> bool:
    """Not what another proxy on this host brings, nor what a browser asks for a page whose name was led here."""
    return _LOOPBACK.admits(asking.source) and not asking.by_proxy and _is_own_name(asking.host)


def _is_own_name(host: str) -> bool:
    name = host.rpartition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return not name or name.lower() == "localhost" or is_address(name)
