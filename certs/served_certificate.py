"""Reads the names and the expiry of the served certificate with Python's ssl only, by a TLS handshake in memory.

`certificate_info` reads more, but needs cryptography, which would stay in memory as long as the gate runs
(`docs/decisions/0013-served-certificate.md`).
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

_READ: Final[dict[str, Callable[[str], str]]] = {"DNS": str, "IP Address": lambda text: str(ip_address(text))}

_FLIGHTS: Final = 4
"""More round trips than a handshake takes."""


class ServedCertificate(Struct, frozen=True):
    """The host names and IP addresses in a certificate, and when it expires, in UTC."""

    names: tuple[str, ...]
    not_after: datetime


def read_served_certificate(context: ssl.SSLContext, certificate: bytes) -> ServedCertificate | None:
    """Connect a client in memory to `context` and return what it reads in the certificate.

    `certificate` is the served one, in PEM; the client trusts no other. Returns None if the client rejects it, for
    example because it has expired; `certificate_info` reads those too.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        client.load_verify_locations(cadata=certificate.decode("ascii"))
        shown = _handshake(context, client)
    except (ssl.SSLError, ValueError):  # ValueError: a name in it is not text
        return None
    names = tuple(_READ[kind](value) for kind, value in shown.get("subjectAltName", ()) if kind in _READ)
    not_after = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    return ServedCertificate(names, not_after)


def _handshake(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> dict[str, tuple[tuple[str, str], ...]]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server)
    for _ in range(_FLIGHTS):
        if all([_is_done(client.do_handshake), _is_done(server.do_handshake)]):
            break
    return client.getpeercert() or {}  # type: ignore[return-value]  # typeshed: a dict of objects


def _is_done(do_handshake: Callable[[], None]) -> bool:
    """Return whether this side has completed the handshake; if not, it is waiting for the other side."""
    try:
        do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
