"""A TLS layer and a client in memory, connected without sockets. Imports the gate's code."""

import ssl

from licensegate.proxy.wire.tls_layer import TlsLayer
from support.certificates import issue
from support.tls_memory import MemoryTlsClient, complete_handshake

CONNECT = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n"
BLOB = bytes(range(256)) * 160  # 40 KiB: two whole records and a half

GATE = issue()

Connected = tuple[MemoryTlsClient, TlsLayer]


def connect(served: ssl.SSLContext, context: ssl.SSLContext) -> Connected:
    """Complete a handshake between a client with `context` and a layer with `served`."""
    client, layer = MemoryTlsClient(context), TlsLayer(served)
    complete_handshake(client, layer)
    return client, layer


def read(layer: TlsLayer, size: int = 65536) -> bytes:
    """Read once. Raises BlockingIOError if more ciphertext is needed."""
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: layer.read_into(buffer)])


def read_all(layer: TlsLayer, size: int = 65536) -> bytes:
    """Read until more ciphertext is needed, or to the end."""
    parts = []
    try:
        while part := read(layer, size):
            parts.append(part)
    except BlockingIOError:
        pass
    return b"".join(parts)
