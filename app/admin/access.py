"""Who may see which admin page, and change what. Pure: it sees values, never a socket or the server.

Metrics and health name no client and are open to networks. The other pages name clients: they need the token, a session
that began with it, or a program on this host. What changes something needs the token or such a session from everywhere,
and no form of another site is obeyed.
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
from licensegate.language.language import ENGLISH, N_, Language

_LOOPBACK: Final = ClientNetworks((ip_network("127.0.0.0/8"), ip_network("::1/128")))
_MIN_TOKEN_CHARACTERS: Final = 16
_MAX_FILE_BYTES: Final = 4096

_NEEDS_TOKEN: Final = N_("This page needs the token of admin.token_file: Authorization: Bearer TOKEN.")
_NO_CHANGES: Final = N_("Nothing can be changed here without a token: set admin.token_file.")
_NOT_IN_NETWORKS: Final = N_("{source} may not read this page; add it to admin.networks.")
_THIS_HOST_ONLY: Final = N_(
    "This page is for programs on this host that name it by address or localhost; for others, set admin.token_file."
)
_OTHER_SITE: Final = N_("This form was sent from another site.")


class Audience(enum.Enum):
    """Who may see a page."""

    OPEN = "open"
    """It names no client: `admin.networks`, this host, and anybody with the token."""

    TRUSTED = "trusted"
    """It may name clients: this host, and anybody with the token."""

    ANYBODY = "anybody"
    """It names nobody and nothing: the login form and the files of the pages' looks."""

    CHANGES = "changes"
    """It changes something: anybody with the token, on this host, too."""


class AccessRequest(Struct, frozen=True):
    """The parts of a request that access depends on.

    `source` is the address the connection comes from; `host` and `authorization` are the header fields of these names.
    `by_proxy`: another proxy forwarded the request, so `source` is that proxy's address. `signed_in` if it belongs to a
    session. `origin` and `fetch_site` are the header fields Origin (RFC 6454) and Sec-Fetch-Site (W3C Fetch Metadata).
    """

    source: str
    host: str = ""
    authorization: str = ""
    by_proxy: bool = False
    signed_in: bool = False
    origin: str = ""
    fetch_site: str = ""


class AccessDenied(Struct, frozen=True):
    """The status of the response and the sentence in its body, which may name the `source`."""

    status: int
    message: str
    source: str = ""

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return self.in_language(ENGLISH)

    def in_language(self, language: Language) -> str:
        """The sentence in this language."""
        return language.gettext(self.message).format(source=self.source)


class Access:
    """The rules in force. Without a token, only this host sees the pages that are not open."""

    def __init__(self, networks: Iterable[Network], token: str = "") -> None:
        self._networks = ClientNetworks(networks)
        self._token = token.encode()

    def denied(self, request: AccessRequest, audience: Audience) -> AccessDenied | None:
        """Why the request may not see a page for this audience; None if it may."""
        if audience is Audience.ANYBODY or self.may_change(request):
            return None
        if audience is Audience.CHANGES:
            if self._token:
                return AccessDenied(401, _NEEDS_TOKEN)
            return AccessDenied(403, _NO_CHANGES)
        if _is_from_this_host(request):
            return None
        if audience is Audience.OPEN:
            if self._networks.admits(request.source):
                return None
            return AccessDenied(403, _NOT_IN_NETWORKS, request.source)
        return AccessDenied(401, _NEEDS_TOKEN) if self._token else AccessDenied(403, _THIS_HOST_ONLY)

    def may_change(self, request: AccessRequest) -> bool:
        """Whether it has the token, or a session that began with it."""
        return request.signed_in or self.has_token(request.authorization)

    def has_token(self, authorization: str) -> bool:
        """Whether an Authorization field has the token."""
        scheme, _, given = authorization.partition(" ")
        is_bearer = scheme.lower() == "bearer" and bool(self._token)
        return is_bearer and hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token)


def sent_by_another_site(request: AccessRequest) -> AccessDenied | None:
    """Refuse a form that a page of another site has sent; None if none has, or the browser does not tell.

    Our pages tell nobody where a form was (Referrer-Policy), so browsers write `Origin: null`. The scheme may differ: a
    proxy in front of the gate may speak TLS.
    """
    if request.fetch_site not in ("", "same-origin"):
        return AccessDenied(403, _OTHER_SITE)
    if request.origin in ("", "null"):
        return None
    is_own = request.origin.partition("://")[2].lower() == request.host.lower()
    return None if is_own else AccessDenied(403, _OTHER_SITE)


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
