"""Connections with TLS to the gate: the handshake, and requests inside it."""

import contextlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from licensegate.proxy.net.channel import TlsChannel
from licensegate.proxy.protocol.states import State
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.records.outcome import Outcome, Party
from licensegate.records.record import ServerNameCheck
from support.certificates import issue
from support.client_hellos import hello_message, in_records, server_name_extension
from support.sockets import descriptors, is_closed, receive, reset, run, turns, unread_bytes, until
from support.tls_client import GATE, IDENTITY, TlsClient, identity
from support.tls_memory import VERSIONS, client_context
from support.tunnel_harness import (
    ESTABLISHED,
    HELLO,
    HOST,
    SPIN_LIMIT,
    BlockedLookup,
    open_harness,
    open_harness_with_upstream,
)

NO_RECORD = b"\x17\x03\x03\0\x20" + bytes(32)  # of application data, which no key decrypts
SOON = Limits(head_seconds=10, hello_seconds=30)
versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


@versions
def test_a_tunnel_inside_tls_from_its_handshake_to_its_record(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY, checks=TunnelChecks()) as (harness, upstream):
            client, _ = await harness.connect_tls(version)
            await client.send(harness.connect)
            far = await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            await client.send(HELLO)
            assert await receive(far, len(HELLO)) == HELLO
            far.send(b"answer!")
            assert await client.receive(7) == b"answer!"
            await client.close_notify()
            assert await receive(far) == b""
            far.close()
            assert await client.receive() == b""
            assert client.received_close_notify

            record = await harness.last_record()
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert record.ended_first is Party.CLIENT
            assert record.protocol == "https"
            assert record.gate_tls == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
            assert record.server_name_check is ServerNameCheck.MATCH
            assert (record.server_name, record.target) == (HOST, f"{HOST}:{upstream.port}")
            assert record.client_read == len(harness.connect) + len(HELLO)
            assert record.upstream_written == len(HELLO)
            assert record.upstream_read == 7
            assert record.client_written == len(ESTABLISHED) + 7
            await harness.assert_nothing_left()

    run(main())


def test_no_descriptor_outlives_its_tunnel() -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY) as (harness, upstream):
            before = descriptors()
            client, _ = await harness.connect_tls()
            await client.send(harness.connect)
            far = await upstream.accept()
            client.sock.close()
            far.close()
            await harness.last_record()
            await turns(5)
            assert descriptors() == before

    run(main())


@versions
def test_a_handshake_may_come_byte_by_byte(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY) as (harness, upstream):
            sock, _ = harness.accept()
            client = TlsClient(sock, client_context(None, version))
            while not client.tls.handshake():
                for byte in client.tls.take_ciphertext():
                    sock.send(bytes([byte]))
                    await turns(1)
                await turns(1)
                with contextlib.suppress(BlockingIOError):
                    client.tls.feed(sock.recv(65536))
            await client.send(harness.connect)
            await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED

    run(main())


def test_handshake_request_and_first_bytes_may_arrive_at_once() -> None:
    """In TLS 1.3 the client's last flight, its CONNECT and its ClientHello fit in one segment."""

    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY, checks=TunnelChecks()) as (harness, upstream):
            sock, _ = harness.accept()
            client = TlsClient(sock, client_context(None, ssl.TLSVersion.TLSv1_3))
            client.tls.handshake()
            sock.send(client.tls.take_ciphertext())
            await until(lambda: unread_bytes(sock))
            client.tls.feed(sock.recv(65536))
            assert client.tls.handshake()
            await client.send(harness.connect + HELLO)
            far = await upstream.accept()
            assert await receive(far, len(HELLO)) == HELLO
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED

    run(main())


def test_a_head_that_takes_several_reads_is_read_to_its_end() -> None:
    async def main() -> None:
        with open_harness_with_upstream(identity=IDENTITY) as (harness, upstream):
            client, _ = await harness.connect_tls()
            await client.send(harness.connect[:-2] + b"X-Long: " + b"x" * 12_000 + b"\r\n\r\n")
            await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED

    run(main())


LARGE_HELLO = in_records(
    hello_message(server_name_extension(HOST.encode()), b"\x00\x15" + (20_000).to_bytes(2, "big") + bytes(20_000))
)
"""A hello larger than one read and one record, as with a post-quantum key share."""


def test_half_a_record_during_the_dial_is_not_an_end(slow_names: BlockedLookup) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=slow_names, identity=IDENTITY, checks=TunnelChecks()) as (
            harness,
            upstream,
        ):
            client, tunnel = await harness.connect_tls()
            await client.send(harness.connect)
            await turns(20)
            record = client.tls.encrypt(HELLO)
            client.sock.send(record[:50])
            await turns(20)
            assert tunnel.conversation.state is State.DIALLING
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            client.sock.send(record[50:])
            slow_names.released.set()
            assert await receive(await upstream.accept(), len(HELLO)) == HELLO

    run(main())


@pytest.mark.parametrize("when", ["with the head", "while the target is dialled", "after the answer"])
def test_a_hello_of_several_reads_passes(slow_names: BlockedLookup, when: str) -> None:
    async def main() -> None:
        with open_harness_with_upstream(ask=slow_names, identity=IDENTITY, checks=TunnelChecks()) as (
            harness,
            upstream,
        ):
            client, _ = await harness.connect_tls()
            await client.send(harness.connect + (LARGE_HELLO if when == "with the head" else b""))
            await turns(20)
            if when == "while the target is dialled":
                await client.send(LARGE_HELLO)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            slow_names.released.set()
            far = await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            if when == "after the answer":
                await client.send(LARGE_HELLO)
            assert await receive(far, len(LARGE_HELLO)) == LARGE_HELLO
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT

    run(main())


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_an_incomplete_handshake_is_closed_at_the_deadline(parts: int) -> None:
    """The client sends one byte, half, or all of its hello, then nothing."""

    async def main() -> None:
        with open_harness(limits=SOON, identity=IDENTITY) as harness:
            sock, _ = harness.accept()
            client = TlsClient(sock)
            client.tls.handshake()
            hello = client.tls.take_ciphertext()
            sock.send({1: hello[:1], 2: hello[: len(hello) // 2], 3: hello}[parts])
            await turns(20)
            assert await harness.poller.idle_wake_ups() == 0
            harness.sweep(SOON.head_seconds - 1)
            assert not harness.records
            harness.sweep(SOON.head_seconds + 1)
            await until(lambda: is_closed(sock))
            record = await harness.last_record()
            if parts < 3:
                assert record.outcome is Outcome.HELLO_TIMEOUT
            else:
                assert (record.outcome, record.detail) == (Outcome.HANDSHAKE_FAILED, "it took too long")
            await harness.assert_nothing_left()

    run(main())


def test_the_time_for_the_head_starts_after_the_handshake() -> None:
    async def main() -> None:
        with open_harness(limits=SOON, identity=IDENTITY) as harness:
            sock, tunnel = harness.accept()
            running = harness.context.deadlines.head._expires
            before = running[tunnel]
            client = TlsClient(sock)
            await client.handshake()
            await until(lambda: tunnel.record.gate_tls)
            assert list(running) == [tunnel]
            assert running[tunnel] > before
            await client.send(b"CONNECT ")
            await turns(20)
            assert await harness.poller.idle_wake_ups() == 0
            harness.sweep(SOON.head_seconds + 1)
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 408 head_timeout")
            assert client.received_close_notify
            client.sock.close()
            assert (await harness.last_record()).outcome is Outcome.HEAD_TIMEOUT
            await harness.assert_nothing_left()

    run(main())


@versions
def test_a_client_that_distrusts_our_certificate_is_recorded(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        nobody.minimum_version = nobody.maximum_version = version
        with open_harness(identity=IDENTITY) as harness:
            sock, _ = harness.accept()
            with pytest.raises(ssl.SSLCertVerificationError):
                await TlsClient(sock, nobody).handshake()
            record = await harness.last_record()
            assert (record.outcome, record.detail) == (
                Outcome.GATE_CERTIFICATE_REJECTED, "the client's alert unknown_ca",
            )  # fmt: skip
            assert record.gate_tls == ""
            await until(lambda: is_closed(sock))
            await harness.assert_nothing_left()

    run(main())


def test_a_client_that_expects_another_name_is_recorded() -> None:
    async def main() -> None:
        with open_harness(identity=IDENTITY) as harness:
            sock, _ = harness.accept()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(cadata=GATE.pem.decode())
            with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
                await TlsClient(sock, context, "192.0.2.1").handshake()
            assert (await harness.last_record()).outcome is Outcome.GATE_CERTIFICATE_REJECTED

    run(main())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_client_with_an_old_tls_version_gets_an_alert() -> None:
    async def main() -> None:
        old = client_context(None)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with open_harness(identity=IDENTITY) as harness:
            sock, _ = harness.accept()
            with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
                await TlsClient(sock, old).handshake()
            record = await harness.last_record()
            assert record.outcome is Outcome.HANDSHAKE_FAILED
            assert record.detail == "unsupported protocol"

    run(main())


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closes", "resets"])
def test_a_client_that_leaves_within_its_handshake_is_recorded(leave: Callable[[socket.socket], None]) -> None:
    async def main() -> None:
        before = descriptors()
        with open_harness(identity=IDENTITY) as harness:
            sock, _ = harness.accept()
            client = TlsClient(sock)
            client.tls.handshake()
            sock.send(client.tls.take_ciphertext())
            await until(lambda: unread_bytes(sock))
            leave(sock)
            assert (await harness.last_record()).outcome is Outcome.HANDSHAKE_FAILED
            await harness.assert_nothing_left()
        assert descriptors() == before

    run(main())


def test_a_client_that_leaves_after_its_handshake_is_recorded() -> None:
    async def main() -> None:
        with open_harness(identity=IDENTITY) as harness:
            client, _ = await harness.connect_tls()
            await client.close_notify(with_tcp=True)
            record = await harness.last_record()
            assert record.outcome is Outcome.CLOSED_AFTER_HANDSHAKE
            await harness.assert_nothing_left()

    run(main())


@pytest.mark.parametrize("sent", [b"", b"CONNECT ", b"\r\n"], ids=["nothing", "half a head", "an empty line"])
def test_other_bytes_than_tls_after_the_handshake_are_named(sent: bytes) -> None:
    async def main() -> None:
        with open_harness(identity=IDENTITY) as harness:
            client, _ = await harness.connect_tls()
            await client.send(sent)
            client.sock.send(NO_RECORD)
            record = await harness.last_record()
            assert (record.outcome, record.ended_by) == (Outcome.TLS_FAILED, Party.GATE)
            assert record.detail
            await harness.assert_nothing_left()

    run(main())


def test_other_bytes_than_tls_during_the_dial_are_named(slow_names: BlockedLookup) -> None:
    async def main() -> None:
        with open_harness(ask=slow_names, identity=IDENTITY) as harness:
            client, _ = await harness.connect_tls()
            await client.send(harness.connect)
            await turns(20)
            client.sock.send(NO_RECORD)
            assert (await harness.last_record()).outcome is Outcome.TLS_FAILED
            slow_names.released.set()
            await harness.assert_nothing_left()

    run(main())


def test_a_large_chain_is_sent_as_the_client_reads_it() -> None:
    async def main() -> None:
        chain = identity(GATE, *(issue(f"number {number}") for number in range(60)))
        with open_harness(identity=chain) as harness:
            sock, tunnel = harness.accept(buffer=4096)
            client = TlsClient(sock)
            client.tls.handshake()
            sock.send(client.tls.take_ciphertext())
            await until(lambda: isinstance(tunnel._client, TlsChannel) and tunnel._client.unsent)
            assert await harness.poller.idle_wake_ups() <= SPIN_LIMIT
            await client.handshake()
            await until(lambda: tunnel.record.gate_tls)

    run(main())


def test_a_client_certificate_is_recorded(tmp_path: Path) -> None:
    authority = issue("client authority", authority=True)
    certificate, key = issue("cucm-pub", authority, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH).write(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)

    async def main() -> None:
        asking = identity(client_ca=tmp_path / "ca.pem")
        context = client_context(None)
        context.load_cert_chain(certificate, key)
        with open_harness(identity=asking) as harness:
            sock, _ = harness.accept()
            client = TlsClient(sock, context)
            await client.handshake()
            await client.send(b"GET / HTTP/1.1\r\n\r\n")
            await client.receive()
            await client.close_notify(with_tcp=True)
            assert (await harness.last_record()).client_certificate == "CN=cucm-pub"

    run(main())
