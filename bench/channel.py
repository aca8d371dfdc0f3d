"""The client's connection to its proxy: plain, or with TLS around it."""

import contextlib
import socket
import ssl

_READ_BYTES = 16384


class LoadError(Exception):
    """A proxy refused, reset or stalled a tunnel."""


class Plain:
    """A plain connection on a non-blocking socket that is connected."""

    __slots__ = ("sock",)

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def shake_hands(self) -> bool:
        """Whether the request may be sent."""
        return True

    def send(self, data: bytes) -> None:
        """Send a few bytes."""
        self.sock.send(data)

    def receive(self) -> bytes:
        """What has arrived. Raises LoadError at the end."""
        data = self.sock.recv(_READ_BYTES)
        if not data:
            raise LoadError("the proxy ended a tunnel before the origin's byte came through")
        return data


class Tls(Plain):
    """TLS to the proxy, whose certificate is not verified. Each tunnel makes a whole handshake."""

    __slots__ = ("_incoming", "_outgoing", "_tls")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing)

    def shake_hands(self) -> bool:
        """Take the next step of the handshake. Returns whether it is complete."""
        with contextlib.suppress(BlockingIOError):
            self._incoming.write(super().receive())
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()
        return True

    def send(self, data: bytes) -> None:
        """Encrypt and send a few bytes."""
        self._tls.write(data)
        self._flush()

    def receive(self) -> bytes:
        """What has arrived, decrypted; empty if more must come first. Raises LoadError at the end."""
        self._incoming.write(super().receive())
        try:
            return self._tls.read(_READ_BYTES)
        except ssl.SSLWantReadError:
            return b""

    def _flush(self) -> None:
        if self._outgoing.pending:
            self.sock.send(self._outgoing.read())


def client_context() -> ssl.SSLContext:
    """The client's side of TLS to the proxy."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def client_hello(host: str) -> bytes:
    """A ClientHello for `host` as OpenSSL writes it (517 bytes)."""
    outgoing = ssl.MemoryBIO()
    connection = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise LoadError("the TLS library finished a handshake without a peer")
