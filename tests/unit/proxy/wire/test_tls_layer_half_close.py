"""Half-close in the TLS layer: one direction ends, the other continues."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensegate.proxy.wire.tls_layer import TlsLayer
from support.tls_layer_harness import BLOB, CONNECT, Connected, connect, read, read_all
from support.tls_memory import VERSIONS, MemoryTlsClient, client_context


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
