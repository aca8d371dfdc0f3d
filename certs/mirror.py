"""What a certificate says of itself, found out with nothing but Python's ssl: by shaking hands with it in memory.

`reading` tells more, but needs cryptography, and would keep it in memory for as long as the gate runs.
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

_READ: Final[dict[str, Callable[[str], str]]] = {"DNS": str, "IP Address": lambda text: str(ip_address(text))}

_FLIGHTS: Final = 4
"""More turns than a handshake takes."""


class Reflection(Struct, frozen=True):
    """The host names and IP addresses in a certificate, and when it ends, in UTC."""

    names: tuple[str, ...]
    not_after: datetime


def reflect(context: ssl.SSLContext, certificate: bytes) -> Reflection | None:
    """What a client of `context` is shown; `certificate` is the served one, in PEM, and all that the client trusts.

    None if no client would take it, for example because it has expired: then only `reading` can tell.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        trusting.load_verify_locations(cadata=certificate.decode("ascii"))
        shown = _shake_hands(context, trusting)
    except (ssl.SSLError, ValueError):  # ValueError: a name in it is no text
        return None
    names = tuple(_READ[kind](value) for kind, value in shown.get("subjectAltName", ()) if kind in _READ)
    not_after = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    return Reflection(names, not_after)


def _shake_hands(serving: ssl.SSLContext, trusting: ssl.SSLContext) -> dict[str, tuple[tuple[str, str], ...]]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server)
    for _ in range(_FLIGHTS):
        if all([_is_done(client.do_handshake), _is_done(server.do_handshake)]):
            break
    return client.getpeercert() or {}  # type: ignore[return-value]  # typeshed knows it only as a dict of objects


def _is_done(shake: Callable[[], None]) -> bool:
    """Whether this side is done; if not, it waits for the other."""
    try:
        shake()
    except ssl.SSLWantReadError:
        return False
    return True
