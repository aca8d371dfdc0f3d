"""A server of OpenSSL, which stands for the targets', as another reader of ClientHellos."""

import ssl
import sys
import warnings

from licensegate.proxy.wire.client_hello import ClientHello, HelloError, HelloFault, read_client_hello

LIMIT = 65536


class OpenSSL:
    """A server that reads a ClientHello and then aborts the handshake."""

    def __init__(self) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings(action="ignore"):
            self._context.minimum_version = ssl.TLSVersion.TLSv1
        self._context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
        self._context.sni_callback = self._note
        self._names: list[str | None] = []

    def _note(self, _: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int:
        self._names.append(name)
        return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR

    def read(self, hello: bytes) -> str | None:
        """The server name in our reader's form, or "" without one; None if OpenSSL refused the hello."""
        self._names.clear()
        incoming = ssl.MemoryBIO()
        incoming.write(hello)
        connection = self._context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None  # `ssl` reports a name outside ASCII there
        try:
            connection.do_handshake()
        except ssl.SSLError:
            return (self._names[0] or "").lower().removesuffix(".") if self._names else None
        finally:
            sys.unraisablehook = hook
        raise AssertionError("it went on without an answer")


OPENSSL = OpenSSL()


def assert_openssl_agrees(hello: bytes) -> bool:
    """Assert that the reader accepts no hello that OpenSSL reads differently. Returns True if both accept it."""
    theirs, ours = OPENSSL.read(hello), _verdict(hello)
    if theirs is None:
        return False
    if isinstance(ours, HelloError):
        assert ours.fault is HelloFault.SSLV2 or "is no host name" in str(ours), (theirs, str(ours), hello.hex())
        return False
    assert ours is not None, hello.hex()
    assert ours.server_name == theirs, hello.hex()
    return True


def _verdict(hello: bytes) -> ClientHello | HelloError | None:
    try:
        return read_client_hello(hello, LIMIT)
    except HelloError as error:
        return error
