"""The TLS layer, the server's side: the handshake, data both ways, and failures."""

import errno
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.proxy.wire.tls_layer import TlsFailure, TlsLayer
from licensegate.proxy.wire.tls_records import fatal_alert
from licensegate.records.alert import Alert
from support.certificates import Issued, issue
from support.tls_layer_harness import CONNECT, Connected, connect, read
from support.tls_memory import FORGED_RECORD, MemoryTlsClient, client_context, complete_handshake


def test_both_sides_hear_each_other(connected: Connected, version: ssl.TLSVersion) -> None:
    client, layer = connected

    layer.feed(client.encrypt(CONNECT))

    assert read(layer) == CONNECT
    assert layer.write(b"HTTP/1.1 200 OK\r\n\r\n") == 19
    assert client.decrypt(layer.take_ciphertext()) == b"HTTP/1.1 200 OK\r\n\r\n"
    assert layer.version == version.name.replace("_", ".")


def test_a_handshake_that_comes_byte_by_byte_is_completed(
    served: ssl.SSLContext, trusted: Path, version: ssl.TLSVersion
) -> None:
    client, layer = MemoryTlsClient(client_context(trusted, version)), TlsLayer(served)

    while not layer.complete:
        client.handshake()
        for byte in client.take_ciphertext():
            assert not layer.complete
            layer.feed(bytes([byte]))
            layer.handshake()
        client.feed(layer.take_ciphertext())

    assert client.handshake()


def test_request_sent_with_the_last_flight_is_kept_in_the_tls_layer(served: ssl.SSLContext, trusted: Path) -> None:
    client, layer = MemoryTlsClient(client_context(trusted)), TlsLayer(served)
    client.handshake()
    layer.feed(client.take_ciphertext())
    layer.handshake()
    client.feed(layer.take_ciphertext())
    assert client.handshake()

    layer.feed(client.take_ciphertext() + client.encrypt(CONNECT))

    assert layer.handshake()
    assert layer.pending
    assert read(layer) == CONNECT
    assert not layer.pending


def test_the_gate_sends_nothing_after_a_tls_1_3_handshake(served: ssl.SSLContext, trusted: Path) -> None:
    client, layer = MemoryTlsClient(client_context(trusted, ssl.TLSVersion.TLSv1_3)), TlsLayer(served)
    while not layer.complete:
        client.handshake()
        layer.feed(client.take_ciphertext())
        layer.handshake()
        if not layer.complete:
            client.feed(layer.take_ciphertext())

    assert layer.take_ciphertext() == b""


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        pytest.param(["http/1.1"], "http/1.1", id="http/1.1"),
        pytest.param(["h2", "http/1.1"], "http/1.1", id="h2 first"),
        pytest.param(["h2"], "", id="h2 only"),
        pytest.param([], "", id="nothing"),
    ],
)
def test_only_http_1_1_is_agreed_on(
    served: ssl.SSLContext, trusted: Path, offered: list[str], agreed: str, version: ssl.TLSVersion
) -> None:
    context = client_context(trusted, version)
    if offered:
        context.set_alpn_protocols(offered)

    client, layer = connect(served, context)

    assert layer.alpn == agreed
    assert client.tls.selected_alpn_protocol() == (agreed or None)


REJECTIONS = {
    "an authority it does not know": (issue, "other.pem", "gate.example", "unknown_ca"),
    "another name": (issue, "gate.pem", "other.example", "bad_certificate"),
    "a certificate that has ended": (lambda: issue(days=(-10, -1)), "gate.pem", "gate.example", "certificate_expired"),
}


@pytest.mark.parametrize(("make", "trusts", "name", "alert"), REJECTIONS.values(), ids=REJECTIONS)
def test_a_client_that_rejects_our_certificate_has_its_own_outcome(
    tmp_path: Path, make: Callable[[], Issued], trusts: str, name: str, alert: str, version: ssl.TLSVersion
) -> None:
    served = load_identity(*make().write(tmp_path)).context
    issue().write(tmp_path, stem="other")
    client, layer = MemoryTlsClient(client_context(tmp_path / trusts, version), name), TlsLayer(served)

    with pytest.raises(ssl.SSLCertVerificationError):
        complete_handshake(client, layer)
    layer.feed(client.take_ciphertext())
    with pytest.raises(TlsFailure) as raised:
        layer.handshake()

    assert raised.value.rejected_our_certificate
    assert raised.value.by_peer
    assert layer.rejection == raised.value.detail == f"the client's alert {alert}"
    assert raised.value.errno == errno.EPROTO


@pytest.mark.parametrize(
    ("received", "detail"),
    [
        pytest.param(CONNECT, "https proxy request", id="CONNECT in the clear"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", "http request", id="GET in the clear"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "wrong version number", id="SSH"),
        pytest.param(b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", "unexpected message", id="no ClientHello"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x46", "unexpected message", id="an alert"),
    ],
)
def test_other_bytes_fail_the_handshake_with_a_short_phrase(
    served: ssl.SSLContext, received: bytes, detail: str
) -> None:
    layer = TlsLayer(served)
    layer.feed(received)

    with pytest.raises(TlsFailure) as raised:
        layer.handshake()

    assert raised.value.detail == str(raised.value.strerror) == detail
    assert not raised.value.rejected_our_certificate
    assert not raised.value.by_peer


@pytest.mark.parametrize("number", [0, 40, 42, 45, 70, 80, 110, 112, 113, 116, 120, 150, 255])
def test_every_fatal_alert_of_a_client_fails_its_handshake(
    served: ssl.SSLContext, trusted: Path, version: ssl.TLSVersion, number: int
) -> None:
    client, layer = MemoryTlsClient(client_context(trusted, version)), TlsLayer(served)
    client.handshake()
    layer.feed(client.take_ciphertext())
    layer.handshake()
    layer.feed(bytes((21, 3, 3, 0, 2, 2, number)))

    with pytest.raises(TlsFailure, match="the client") as raised:
        layer.handshake()

    assert raised.value.by_peer


def test_an_alert_about_an_extension_is_named(served: ssl.SSLContext, trusted: Path, version: ssl.TLSVersion) -> None:
    client, layer = MemoryTlsClient(client_context(trusted, version)), TlsLayer(served)
    client.handshake()
    layer.feed(client.take_ciphertext())
    layer.handshake()
    layer.feed(fatal_alert(Alert.UNRECOGNIZED_NAME))

    with pytest.raises(TlsFailure, match="the client's alert unrecognized_name"):
        layer.handshake()


def test_a_client_without_a_common_cipher_gets_an_alert(served: ssl.SSLContext, trusted: Path) -> None:
    context = client_context(trusted, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # our key is not RSA
    client, layer = MemoryTlsClient(context), TlsLayer(served)

    with pytest.raises(TlsFailure, match="no shared cipher") as raised:
        complete_handshake(client, layer)
    assert not raised.value.by_peer

    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        client.decrypt(layer.take_ciphertext())


def test_a_client_that_ends_in_the_handshake_fails_it(served: ssl.SSLContext, trusted: Path) -> None:
    client, layer = MemoryTlsClient(client_context(trusted)), TlsLayer(served)
    client.handshake()
    layer.feed(client.take_ciphertext())
    assert not layer.handshake()

    layer.feed_end()

    with pytest.raises(TlsFailure, match="the client ended the connection in the handshake") as raised:
        layer.handshake()
    assert raised.value.by_peer
    assert layer.rejection == ""


def test_a_forged_record_ends_both_directions_for_good(connected: Connected) -> None:
    client, layer = connected
    ciphertext = bytearray(client.encrypt(CONNECT))
    ciphertext[-1] ^= 1
    layer.feed(bytes(ciphertext))

    for use in (lambda: read(layer), lambda: read(layer), lambda: layer.write(b"x")):
        with pytest.raises(TlsFailure, match=FORGED_RECORD):
            use()

    layer.close_write()
    with pytest.raises(ssl.SSLError, match=FORGED_RECORD):
        client.decrypt(layer.take_ciphertext())
