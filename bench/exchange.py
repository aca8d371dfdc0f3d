"""A licensing exchange as it crosses the wire: TLS 1.3, recorded once between two ends here, and sent in each tunnel.

So a tunnel carries what a product's does, without cryptography in client and origin. To the gate it is an answered
contact.
"""

import ssl
from pathlib import Path

from channel import client_context
from msgspec import Struct

_REQUEST = b"POST /licservice/license HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1800\r\n\r\n" + b"r" * 1800
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1500\r\n\r\n" + b"a" * 1500


class Exchange(Struct, frozen=True):
    """What each side sends, in this order: client, origin, client, origin, client."""

    hello: bytes
    handshake: bytes
    request: bytes
    answer: bytes
    goodbye: bytes


def record(host: str, certificate: Path, key: Path) -> Exchange:
    """Have a client and a server with this certificate speak to each other, and keep their bytes."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(certificate, key)
    client = client_context().wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    sent = [_step(client, to_server), _step(server, to_client)]
    client.do_handshake()
    client.write(_REQUEST)
    sent.append(_sent(to_server))
    server.do_handshake()
    server.read(len(_REQUEST))
    server.write(_ANSWER)
    sent.append(_sent(to_client))
    client.read(len(_ANSWER))
    try:
        client.unwrap()
    except ssl.SSLWantReadError:
        sent.append(to_server.read())
    return Exchange(*sent)


def _step(end: ssl.SSLObject, outgoing: ssl.MemoryBIO) -> bytes:
    """The next step of a handshake, which waits for the other end then. Returns what it sends."""
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return _sent(outgoing)
    raise RuntimeError("the TLS library finished a handshake without its peer")


def _sent(outgoing: ssl.MemoryBIO) -> bytes:
    """What waits to be sent, and puts it back for the other end to read."""
    data = outgoing.read()
    outgoing.write(data)
    return data
