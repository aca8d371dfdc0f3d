"""The client's side of the TLS layer, which verifies the server's name. The server is a TLS layer too."""

import contextlib
import ssl
from pathlib import Path

import pytest
from cryptography.x509 import DNSName

from licensegate.proxy.wire.tls_layer import TlsFailure, TlsLayer
from support.certificates import Issued, issue
from support.tls_client import identity
from support.tls_memory import VERSIONS, client_context

PARENT = issue("parent", names=(DNSName("proxy.test"),))
BLOB = bytes(range(256)) * 160  # 40 KiB: two whole records and a half


@pytest.fixture(params=list(VERSIONS.values()), ids=list(VERSIONS))
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    return PARENT.write(tmp_path)[0]


def shake_hands(client: TlsLayer, server: TlsLayer) -> None:
    """Complete the handshake on both sides. Raises the error of either side."""
    while not (client.complete and server.complete):
        client.handshake()
        server.feed(client.take_ciphertext())
        server.handshake()
        client.feed(server.take_ciphertext())


def connect(trusted: Path, version: ssl.TLSVersion) -> tuple[TlsLayer, TlsLayer]:
    client = TlsLayer(client_context(trusted, version), "proxy.test")
    server = TlsLayer(identity(PARENT).context)
    shake_hands(client, server)
    return client, server


def read(layer: TlsLayer, size: int) -> bytes:
    buffer = bytearray(size)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while filled < size:
            filled += layer.read_into(memoryview(buffer)[filled:])
    return bytes(buffer[:filled])


def test_a_server_that_proves_its_name_is_spoken_to(trusted: Path, version: ssl.TLSVersion) -> None:
    client, server = connect(trusted, version)

    client.write(b"CONNECT")
    server.feed(client.take_ciphertext())
    assert read(server, 100) == b"CONNECT"
    for start in range(0, len(BLOB), 16384):
        server.write(BLOB[start : start + 16384])
    client.feed(server.take_ciphertext())
    assert read(client, len(BLOB)) == BLOB


def test_each_direction_ends_by_itself(trusted: Path, version: ssl.TLSVersion) -> None:
    client, server = connect(trusted, version)

    client.close_write()
    server.feed(client.take_ciphertext())
    assert server.read_into(memoryview(bytearray(10))) == 0
    server.write(b"still here")
    server.close_write()
    client.feed(server.take_ciphertext())
    assert read(client, 10) == b"still here"
    assert client.read_into(memoryview(bytearray(10))) == 0


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (issue("stranger", names=(DNSName("proxy.test"),)), "certificate"),
        (issue("another", names=(DNSName("other.test"),)), "certificate"),
    ],
    ids=["unknown", "of another name"],
)
def test_a_certificate_without_proof_is_rejected_with_an_alert(
    trusted: Path, version: ssl.TLSVersion, shown: Issued, words: str
) -> None:
    client, server = TlsLayer(client_context(trusted, version), "proxy.test"), TlsLayer(identity(shown).context)
    with pytest.raises(TlsFailure) as failed:
        shake_hands(client, server)
    assert failed.value.rejected_theirs
    assert not failed.value.rejected_our_certificate
    assert failed.value.detail.startswith("the server's certificate: ")
    assert words in failed.value.detail

    server.feed(client.take_ciphertext())
    with pytest.raises(TlsFailure, match="the client's alert "):
        read(server, 10) if server.complete else server.handshake()


def test_a_right_certificate_under_another_name_is_rejected(tmp_path: Path) -> None:
    other = issue("another", names=(DNSName("other.test"),))
    client = TlsLayer(client_context(other.write(tmp_path)[0]), "proxy.test")
    with pytest.raises(TlsFailure, match="mismatch") as failed:
        shake_hands(client, TlsLayer(identity(other).context))
    assert failed.value.rejected_theirs


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "wrong version number"),
        (bytes([21, 3, 3, 0, 2, 2, 40]), "the server's alert handshake_failure"),
        (b"", "the server ended the connection in the handshake"),
    ],
    ids=["no TLS", "an alert", "nothing"],
)
def test_a_server_that_stalls_is_reported(trusted: Path, said: bytes, words: str) -> None:
    client = TlsLayer(client_context(trusted), "proxy.test")
    client.handshake()
    client.feed(said)
    if not said:
        client.feed_end()

    with pytest.raises(TlsFailure) as failed:
        client.handshake()
    assert words in failed.value.detail
    assert not failed.value.rejected_theirs
