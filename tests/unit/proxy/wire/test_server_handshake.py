"""A server's hello and certificate, in any pieces, and bytes that are neither."""

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.wire.server_handshake import ServerHandshake
from support.certificates import issue
from support.client_hellos import extension
from support.tls_client import identity
from support.tls_memory import client_context
from support.tls_streams import RETRY_RANDOM, certificate, message, server_hello

LEAF = b"leaf" * 300
HELLO_DONE = message(14, b"")


def read(stream: bytes, size: int = 0) -> ServerHandshake:
    """Read the stream in pieces of this size, as long as more is wanted."""
    server = ServerHandshake()
    for start in range(0, len(stream), size or len(stream)):
        if not server.read(stream[start : start + (size or len(stream))]):
            break
    return server


@pytest.mark.parametrize("size", [0, 1, 5])
@pytest.mark.parametrize(
    ("stream", "version", "is_chosen", "leaf"),
    [
        pytest.param(server_hello(0x0304), "1.3", True, b"", id="1.3"),
        pytest.param(server_hello(0x0304, session_id=bytes(32)), "1.3", True, b"", id="1.3 with a session id"),
        pytest.param(server_hello(0x0304, RETRY_RANDOM), "1.3", False, b"", id="a retry"),
        pytest.param(server_hello(0x0304, RETRY_RANDOM) + server_hello(0x0304), "1.3", True, b"", id="behind a retry"),
        pytest.param(server_hello() + certificate(LEAF, b"ca") + HELLO_DONE, "1.2", True, LEAF, id="1.2"),
        pytest.param(server_hello() + HELLO_DONE + certificate(LEAF), "1.2", True, b"", id="no certificate"),
        pytest.param(server_hello(0x0302) + certificate(LEAF), "1.1", True, LEAF, id="1.1"),
        pytest.param(server_hello(0x0301) + certificate(LEAF), "1.0", True, LEAF, id="1.0"),
        pytest.param(
            server_hello(0x0303, bytes(32), extension(0, b""), extension(23, b"")) + certificate(LEAF),
            "1.2", True, LEAF, id="1.2 with extensions",
        ),
        pytest.param(server_hello(0x0399), "1.2", True, b"", id="a version above 1.2 counts as 1.2"),
        pytest.param(certificate(LEAF), "", False, b"", id="a certificate first"),
        pytest.param(message(2, b"\3\3"), "", True, b"", id="half a hello"),
        pytest.param(server_hello() + message(11, b""), "1.2", True, b"", id="an empty list"),
    ],
)  # fmt: skip
def test_version_and_certificate_are_read(stream: bytes, version: str, is_chosen: bool, leaf: bytes, size: int) -> None:
    server = read(stream, size)
    assert (server.version, server.is_chosen, server.certificate) == (version, is_chosen, leaf)


def test_what_openssl_sends_is_read() -> None:
    gate = issue()
    hears, says = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(None, ssl.TLSVersion.TLSv1_2).wrap_bio(hears, says, server_hostname="gate.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = identity(gate).context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(says.read())
    with contextlib.suppress(ssl.SSLWantReadError):
        server.do_handshake()
    said = outgoing.read()
    messages = b""
    while said:
        size = int.from_bytes(said[3:5], "big")
        messages, said = messages + said[5 : 5 + size], said[5 + size :]
    found = read(messages, 100)
    assert found.version == "1.2"
    assert ssl.DER_cert_to_PEM_cert(found.certificate).split() == gate.pem.decode().split()


@pytest.mark.parametrize("kind", [2, 11], ids=["hello", "certificate"])
def test_a_message_too_long_is_given_up(kind: int) -> None:
    server = ServerHandshake()
    server.read(server_hello())
    beginning = bytes((kind, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF))
    assert not server.read(beginning + bytes(1 << 15))
    assert not server._held


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_are_read_in_bounded_memory(parts: list[bytes]) -> None:
    server = ServerHandshake()
    for part in parts:
        goes_on = server.read(part)
        assert len(server._held) <= 1 << 15
        if not goes_on:
            break


@given(st.binary(max_size=120), st.integers(1, 20))
def test_any_hello_is_read_alike_in_any_pieces(body: bytes, size: int) -> None:
    stream = message(2, body) + certificate(LEAF)
    whole, pieces = read(stream), read(stream, size)
    assert (whole.version, whole.is_chosen, whole.certificate) == (pieces.version, pieces.is_chosen, pieces.certificate)
