import errno
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.certs.identity import load_identity
from licensegate.proxy.wire.tls_layer import TlsFailure, TlsLayer
from support.certificates import Issued, altered, issue
from support.tls_memory import VERSIONS, MemoryTlsClient, client_context, complete_handshake

CONNECT = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n"
BLOB = bytes(range(256)) * 160  # 40 KiB: two whole records and a half

GATE = issue()
AUTHORITY = issue("client authority", authority=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def trusted(folder: Path) -> Path:
    """The gate's certificate, which is its own issuer, for a client to trust."""
    return GATE.write(folder)[0]


@pytest.fixture(scope="module")
def served(folder: Path, trusted: Path) -> ssl.SSLContext:
    return load_identity(trusted, folder / "gate.key").context


@pytest.fixture(params=list(VERSIONS.values()), ids=list(VERSIONS))
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return request.param  # type: ignore[no-any-return]


Connected = tuple[MemoryTlsClient, TlsLayer]


@pytest.fixture
def connected(served: ssl.SSLContext, trusted: Path, version: ssl.TLSVersion) -> Connected:
    return connect(served, client_context(trusted, version))


def connect(served: ssl.SSLContext, context: ssl.SSLContext) -> Connected:
    client, layer = MemoryTlsClient(context), TlsLayer(served)
    complete_handshake(client, layer)
    return client, layer


def read(layer: TlsLayer, size: int = 65536) -> bytes:
    """Return the result of a call, or raise its error."""
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


# Half-close: one direction ends, the other goes on.


def nothing(client: MemoryTlsClient) -> tuple[bytes, bytes, bytes]:
    return b"", b"", b""


def whole_records(client: MemoryTlsClient) -> tuple[bytes, bytes, bytes]:
    return client.encrypt(BLOB), b"", BLOB


def part_of_a_record(client: MemoryTlsClient) -> tuple[bytes, bytes, bytes]:
    ciphertext = client.encrypt(BLOB)
    return ciphertext[:-7], ciphertext[-7:], BLOB


def part_of_a_header(client: MemoryTlsClient) -> tuple[bytes, bytes, bytes]:
    ciphertext = client.encrypt(CONNECT)
    return ciphertext[:3], ciphertext[3:], CONNECT


def the_clients_end(client: MemoryTlsClient) -> tuple[bytes, bytes, bytes]:
    return client.encrypt(BLOB) + client.close_notify(), b"", BLOB


Inside = Callable[[MemoryTlsClient], tuple[bytes, bytes, bytes]]
INSIDE = pytest.mark.parametrize(
    "inside", [nothing, whole_records, part_of_a_record, part_of_a_header, the_clients_end], ids=lambda f: f.__name__
)


@INSIDE
@pytest.mark.parametrize("already_read", [0, 1, 20000], ids="{} read before".format)
def test_ending_our_side_loses_no_buffered_data(connected: Connected, inside: Inside, already_read: int) -> None:
    client, layer = connected
    before, after, plaintext = inside(client)
    layer.feed(before)
    heard = read_exactly(layer, min(already_read, len(plaintext))) if before else b""

    layer.close_write()

    layer.feed(after)
    assert heard + read_all(layer, 1000) == plaintext
    client.decrypt(layer.take_ciphertext())
    assert client.received_close_notify


def read_exactly(layer: TlsLayer, size: int) -> bytes:
    heard = b""
    while len(heard) < size:
        try:
            heard += read(layer, size - len(heard))
        except BlockingIOError:
            break
    return heard


@INSIDE
def test_after_our_end_the_client_is_read_to_its_end(connected: Connected, inside: Inside) -> None:
    client, layer = connected
    before, after, plaintext = inside(client)
    layer.feed(before)
    layer.close_write()
    layer.feed(after)
    client.decrypt(layer.take_ciphertext())

    if inside is not the_clients_end:
        layer.feed(client.encrypt(b"and more") + client.close_notify())
        plaintext += b"and more"

    assert read_all(layer) == plaintext
    assert read(layer) == b""
    assert not layer.pending


def test_after_the_clients_end_it_still_hears_us(connected: Connected) -> None:
    client, layer = connected
    layer.feed(client.encrypt(CONNECT) + client.close_notify())
    assert read_all(layer) == CONNECT
    assert read(layer) == b""

    said = b""
    for start in range(0, len(BLOB), 1 << 14):
        layer.write(BLOB[start : start + (1 << 14)])
        said += layer.take_ciphertext()
    layer.close_write()

    assert client.decrypt(said + layer.take_ciphertext()) == BLOB
    assert client.received_close_notify


def test_a_tcp_end_without_close_notify_is_an_end_of_that_direction_only(connected: Connected) -> None:
    client, layer = connected
    layer.feed(client.encrypt(CONNECT))

    layer.feed_end()

    assert read_all(layer) == CONNECT
    assert read(layer) == b""
    layer.write(b"still here")
    assert client.decrypt(layer.take_ciphertext()) == b"still here"


def test_after_our_end_nothing_can_be_written(connected: Connected) -> None:
    _, layer = connected
    layer.close_write()
    layer.close_write()

    with pytest.raises(BrokenPipeError):
        layer.write(b"too late")


def test_bytes_after_the_clients_close_notify_are_ignored(connected: Connected) -> None:
    client, layer = connected
    layer.feed(client.close_notify() + b"rubbish")
    assert read(layer) == b""

    layer.feed(b"more of it")

    assert read(layer) == b""
    assert not layer.pending


def test_ending_before_the_handshake_is_complete_sends_nothing(served: ssl.SSLContext) -> None:
    layer = TlsLayer(served)

    layer.close_write()

    assert layer.take_ciphertext() == b""
    assert layer.version == layer.alpn == layer.identity == ""


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_the_sizes_and_splits_every_byte_arrives_in_order(
    served: ssl.SSLContext, trusted: Path, data: st.DataObject
) -> None:
    version = data.draw(st.sampled_from(list(VERSIONS.values())))
    client, layer = connect(served, client_context(trusted, version))
    sizes = data.draw(st.lists(st.integers(1, 40000), max_size=6))
    said = [bytes([number]) * size for number, size in enumerate(sizes)]
    ciphertext = b"".join([client.encrypt(part) for part in said] + [client.close_notify()])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(ciphertext)), max_size=8)))
    close_after = data.draw(st.integers(0, len(cuts) + 1))
    room = data.draw(st.integers(1, 70000))

    heard = b""
    for turn, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(ciphertext)], strict=True)):
        if turn == close_after:
            layer.close_write()
        layer.feed(ciphertext[start:end])
        if data.draw(st.booleans()):
            heard += read_all(layer, room)

    assert heard + read_all(layer, room) == b"".join(said)
    assert read(layer) == b""


# Failures.


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
    assert raised.value.detail == f"the client's alert {alert}"
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


def test_a_client_without_a_common_cipher_gets_an_alert(served: ssl.SSLContext, trusted: Path) -> None:
    context = client_context(trusted, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # our key is not RSA
    client, layer = MemoryTlsClient(context), TlsLayer(served)

    with pytest.raises(TlsFailure, match="no shared cipher"):
        complete_handshake(client, layer)

    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        client.decrypt(layer.take_ciphertext())


def test_a_client_that_ends_in_the_handshake_fails_it(served: ssl.SSLContext, trusted: Path) -> None:
    client, layer = MemoryTlsClient(client_context(trusted)), TlsLayer(served)
    client.handshake()
    layer.feed(client.take_ciphertext())
    assert not layer.handshake()

    layer.feed_end()

    with pytest.raises(TlsFailure, match="the client ended the connection in the handshake"):
        layer.handshake()


def test_a_forged_record_ends_both_directions_for_good(connected: Connected) -> None:
    client, layer = connected
    ciphertext = bytearray(client.encrypt(CONNECT))
    ciphertext[-1] ^= 1
    layer.feed(bytes(ciphertext))

    for use in (lambda: read(layer), lambda: read(layer), lambda: layer.write(b"x")):
        with pytest.raises(TlsFailure, match="bad record mac"):
            use()

    layer.close_write()
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        client.decrypt(layer.take_ciphertext())


# Client certificates.


@pytest.fixture
def asking(folder: Path, trusted: Path) -> ssl.SSLContext:
    """The gate, where `[auth] client_ca` is set."""
    client_ca, _ = AUTHORITY.write(folder, stem="client_ca")
    return load_identity(trusted, folder / "gate.key", (), client_ca).context


def presenting(folder: Path, trusted: Path, certificate: Issued, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = client_context(trusted, version)
    context.load_cert_chain(*certificate.write(folder, stem="client"))
    return context


@pytest.mark.parametrize(
    ("names", "compared"),
    [
        pytest.param((), ("cucm-pub",), id="a subject"),
        pytest.param(
            (x509.DNSName("cucm.example"), x509.RFC822Name("a@b.example"), x509.IPAddress(ip_address("192.0.2.1"))),
            ("cucm-pub", "cucm.example", "a@b.example", "192.0.2.1"),
            id="alternative names",
        ),
        pytest.param(
            (x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])), x509.DNSName("y")),
            ("cucm-pub", "y"),
            id="a directory name, which is for reading only",
        ),
    ],
)
def test_the_names_in_a_certificate_can_be_compared_one_by_one(
    folder: Path,
    trusted: Path,
    asking: ssl.SSLContext,
    names: tuple[x509.GeneralName, ...],
    compared: tuple[str, ...],
    version: ssl.TLSVersion,
) -> None:
    certificate = issue("cucm-pub", AUTHORITY, names=names, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    _, layer = connect(asking, presenting(folder, trusted, certificate, version))

    assert layer.names == compared


@pytest.mark.parametrize(
    ("subject", "names", "identity"),
    [
        pytest.param("cucm-pub", (), "CN=cucm-pub", id="a subject"),
        pytest.param(
            "cucm-pub",
            (x509.DNSName("cucm.example"), x509.RFC822Name("a@b.example")),
            "CN=cucm-pub; DNS:cucm.example,email:a@b.example",
            id="alternative names",
        ),
        pytest.param("M\xfcnchen\r\n\x1b[31m", (), "CN=M\\xc3\\xbcnchen\\r\\n\\x1b[31m", id="what no log should hold"),
    ],
)
def test_a_client_is_who_its_certificate_says(
    folder: Path,
    trusted: Path,
    asking: ssl.SSLContext,
    subject: str,
    names: tuple[x509.GeneralName, ...],
    identity: str,
    version: ssl.TLSVersion,
) -> None:
    certificate = issue(subject, AUTHORITY, names=names, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    _, layer = connect(asking, presenting(folder, trusted, certificate, version))

    assert layer.identity == identity


def test_a_name_that_is_not_text_does_not_end_the_connection(
    folder: Path, trusted: Path, asking: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    certificate = issue(issuer=AUTHORITY, names=(x509.DNSName("odd-name"),), usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    context = presenting(folder, trusted, altered(certificate, AUTHORITY, b"odd-name", b"\xff\xfed-name"), version)

    _, layer = connect(asking, context)

    assert layer.identity == "a certificate that cannot be read"
    assert layer.names == ()


def test_a_client_without_a_certificate_is_served_without_a_user(
    trusted: Path, asking: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    _, layer = connect(asking, client_context(trusted, version))

    assert layer.identity == ""
    assert layer.names == ()


def test_without_an_authority_no_client_certificate_is_requested(
    folder: Path, trusted: Path, served: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    certificate = issue("cucm-pub", AUTHORITY, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    _, layer = connect(served, presenting(folder, trusted, certificate, version))

    assert layer.identity == ""


@pytest.mark.parametrize(
    ("certificate", "detail"),
    [
        pytest.param(issue("stranger"), "the client's certificate: self-signed certificate", id="self-signed"),
        pytest.param(
            issue("old", AUTHORITY, days=(-9, -1), usage=ExtendedKeyUsageOID.CLIENT_AUTH),
            "the client's certificate: certificate has expired",
            id="expired",
        ),
        pytest.param(
            issue("server", AUTHORITY),
            "the client's certificate: unsuitable certificate purpose",
            id="a server's",
        ),
    ],
)
def test_a_certificate_that_the_authority_does_not_stand_for_is_refused(
    folder: Path, trusted: Path, asking: ssl.SSLContext, certificate: Issued, detail: str, version: ssl.TLSVersion
) -> None:
    context = presenting(folder, trusted, certificate, version)

    with pytest.raises(TlsFailure) as raised:
        connect(asking, context)

    assert raised.value.detail == detail
    assert not raised.value.rejected_our_certificate
