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
from support.client_hellos import in_records, message, server_name
from support.sockets import descriptors, is_closed, receive, reset, run, turns, until, waiting
from support.tls_client import GATE, IDENTITY, SecureClient, identity
from support.tls_memory import VERSIONS, trusting
from support.tunnel_harness import ESTABLISHED, HANDFUL, HELLO, HOST, SlowNames, room, room_with_upstream

SOON = Limits(head_seconds=10, hello_seconds=30)
versions = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS.keys())


@versions
def test_a_tunnel_inside_tls_from_its_handshake_to_its_record(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        with room_with_upstream(identity=IDENTITY, checks=TunnelChecks()) as (here, upstream):
            client, _ = await here.secured(version)
            await client.send(here.connect)
            far = await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            await client.send(HELLO)
            assert await receive(far, len(HELLO)) == HELLO
            far.send(b"answer!")
            assert await client.receive(7) == b"answer!"
            await client.end()
            assert await receive(far) == b""
            far.close()
            assert await client.receive() == b""
            assert client.heard_end

            record = await here.ended()
            assert record.outcome is Outcome.CLOSED_BY_CLIENT
            assert record.ended_first is Party.CLIENT
            assert record.protocol == "https"
            assert record.gate_tls == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
            assert record.server_name_check is ServerNameCheck.MATCH
            assert (record.server_name, record.target) == (HOST, f"{HOST}:{upstream.port}")
            assert record.client_read == len(here.connect) + len(HELLO)
            assert record.upstream_written == len(HELLO)
            assert record.upstream_read == 7
            assert record.client_written == len(ESTABLISHED) + 7
            await here.assert_nothing_left()

    run(main())


def test_no_descriptor_outlives_its_tunnel() -> None:
    async def main() -> None:
        with room_with_upstream(identity=IDENTITY) as (here, upstream):
            before = descriptors()
            client, _ = await here.secured()
            await client.send(here.connect)
            far = await upstream.accept()
            client.sock.close()
            far.close()
            await here.ended()
            await turns(5)
            assert descriptors() == before

    run(main())


@versions
def test_a_handshake_may_come_byte_by_byte(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        with room_with_upstream(identity=IDENTITY) as (here, upstream):
            sock, _ = here.accept()
            client = SecureClient(sock, trusting(None, version))
            while not client.tls.handshake():
                for byte in client.tls.take():
                    sock.send(bytes([byte]))
                    await turns(1)
                await turns(1)
                with contextlib.suppress(BlockingIOError):
                    client.tls.feed(sock.recv(65536))
            await client.send(here.connect)
            await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED

    run(main())


def test_handshake_request_and_first_bytes_may_arrive_at_once() -> None:
    """In TLS 1.3 the client's last flight, its CONNECT and its ClientHello fit in one segment."""

    async def main() -> None:
        with room_with_upstream(identity=IDENTITY, checks=TunnelChecks()) as (here, upstream):
            sock, _ = here.accept()
            client = SecureClient(sock, trusting(None, ssl.TLSVersion.TLSv1_3))
            client.tls.handshake()
            sock.send(client.tls.take())
            await until(lambda: waiting(sock))
            client.tls.feed(sock.recv(65536))
            assert client.tls.handshake()
            await client.send(here.connect + HELLO)
            far = await upstream.accept()
            assert await receive(far, len(HELLO)) == HELLO
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED

    run(main())


def test_a_head_that_takes_several_reads_is_read_to_its_end() -> None:
    async def main() -> None:
        with room_with_upstream(identity=IDENTITY) as (here, upstream):
            client, _ = await here.secured()
            await client.send(here.connect[:-2] + b"X-Long: " + b"x" * 12_000 + b"\r\n\r\n")
            await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED

    run(main())


LARGE_HELLO = in_records(message(server_name(HOST.encode()), b"\x00\x15" + (20_000).to_bytes(2, "big") + bytes(20_000)))
"""More than is read at once, and more than one record; as of a post-quantum key share."""


def test_half_a_record_during_the_dial_is_not_an_end(slow_names: SlowNames) -> None:
    async def main() -> None:
        with room_with_upstream(ask=slow_names, identity=IDENTITY, checks=TunnelChecks()) as (here, upstream):
            client, tunnel = await here.secured()
            await client.send(here.connect)
            await turns(20)
            record = client.tls.say(HELLO)
            client.sock.send(record[:50])
            await turns(20)
            assert tunnel.conversation.state is State.DIALLING
            assert await here.poller.wake_ups_in_peace() <= HANDFUL
            client.sock.send(record[50:])
            slow_names.now.set()
            assert await receive(await upstream.accept(), len(HELLO)) == HELLO

    run(main())


@pytest.mark.parametrize("when", ["with the head", "while the target is dialled", "after the answer"])
def test_a_hello_of_several_reads_passes(slow_names: SlowNames, when: str) -> None:
    async def main() -> None:
        with room_with_upstream(ask=slow_names, identity=IDENTITY, checks=TunnelChecks()) as (here, upstream):
            client, _ = await here.secured()
            await client.send(here.connect + (LARGE_HELLO if when == "with the head" else b""))
            await turns(20)
            if when == "while the target is dialled":
                await client.send(LARGE_HELLO)
            assert await here.poller.wake_ups_in_peace() <= HANDFUL
            slow_names.now.set()
            far = await upstream.accept()
            assert await client.receive(len(ESTABLISHED)) == ESTABLISHED
            if when == "after the answer":
                await client.send(LARGE_HELLO)
            assert await receive(far, len(LARGE_HELLO)) == LARGE_HELLO
            assert await here.poller.wake_ups_in_peace() <= HANDFUL

    run(main())


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_an_incomplete_handshake_is_closed_at_the_deadline(parts: int) -> None:
    """It sends a byte of its hello; half of it; all of it, and never answers the gate's."""

    async def main() -> None:
        with room(limits=SOON, identity=IDENTITY) as here:
            sock, _ = here.accept()
            client = SecureClient(sock)
            client.tls.handshake()
            hello = client.tls.take()
            sock.send({1: hello[:1], 2: hello[: len(hello) // 2], 3: hello}[parts])
            await turns(20)
            assert await here.poller.wake_ups_in_peace() == 0
            here.sweep(SOON.head_seconds - 1)
            assert not here.records
            here.sweep(SOON.head_seconds + 1)
            await until(lambda: is_closed(sock))
            record = await here.ended()
            if parts < 3:
                assert record.outcome is Outcome.HELLO_TIMEOUT
            else:
                assert (record.outcome, record.detail) == (Outcome.HANDSHAKE_FAILED, "it took too long")
            await here.assert_nothing_left()

    run(main())


def test_the_time_for_the_head_starts_after_the_handshake() -> None:
    async def main() -> None:
        with room(limits=SOON, identity=IDENTITY) as here:
            sock, tunnel = here.accept()
            running = here.context.deadlines.head._expires
            before = running[tunnel]
            client = SecureClient(sock)
            await client.shake_hands()
            await until(lambda: tunnel.record.gate_tls)
            assert list(running) == [tunnel]
            assert running[tunnel] > before
            await client.send(b"CONNECT ")
            await turns(20)
            assert await here.poller.wake_ups_in_peace() == 0
            here.sweep(SOON.head_seconds + 1)
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 408 head_timeout")
            assert client.heard_end
            client.sock.close()
            assert (await here.ended()).outcome is Outcome.HEAD_TIMEOUT
            await here.assert_nothing_left()

    run(main())


@versions
def test_a_client_that_distrusts_our_certificate_is_recorded(version: ssl.TLSVersion) -> None:
    async def main() -> None:
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        nobody.minimum_version = nobody.maximum_version = version
        with room(identity=IDENTITY) as here:
            sock, _ = here.accept()
            with pytest.raises(ssl.SSLCertVerificationError):
                await SecureClient(sock, nobody).shake_hands()
            record = await here.ended()
            assert (record.outcome, record.detail) == (
                Outcome.GATE_CERTIFICATE_REJECTED, "the client's alert unknown_ca",
            )  # fmt: skip
            assert record.gate_tls == ""
            await until(lambda: is_closed(sock))
            await here.assert_nothing_left()

    run(main())


def test_a_client_that_expects_another_name_is_recorded() -> None:
    async def main() -> None:
        with room(identity=IDENTITY) as here:
            sock, _ = here.accept()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(cadata=GATE.pem.decode())
            with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
                await SecureClient(sock, context, "192.0.2.1").shake_hands()
            assert (await here.ended()).outcome is Outcome.GATE_CERTIFICATE_REJECTED

    run(main())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_client_with_an_old_tls_version_gets_an_alert() -> None:
    async def main() -> None:
        old = trusting(None)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with room(identity=IDENTITY) as here:
            sock, _ = here.accept()
            with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
                await SecureClient(sock, old).shake_hands()
            record = await here.ended()
            assert record.outcome is Outcome.HANDSHAKE_FAILED
            assert record.detail == "unsupported protocol"

    run(main())


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closes", "resets"])
def test_a_client_that_leaves_within_its_handshake_is_recorded(leave: Callable[[socket.socket], None]) -> None:
    async def main() -> None:
        before = descriptors()
        with room(identity=IDENTITY) as here:
            sock, _ = here.accept()
            client = SecureClient(sock)
            client.tls.handshake()
            sock.send(client.tls.take())
            await until(lambda: waiting(sock))
            leave(sock)
            assert (await here.ended()).outcome is Outcome.HANDSHAKE_FAILED
            await here.assert_nothing_left()
        assert descriptors() == before

    run(main())


def test_a_client_that_leaves_after_its_handshake_counts_as_unused() -> None:
    async def main() -> None:
        with room(identity=IDENTITY) as here:
            client, _ = await here.secured()
            await client.end(with_tcp=True)
            record = await here.ended()
            assert record.outcome is Outcome.CLOSED_UNUSED
            await here.assert_nothing_left()

    run(main())


def test_a_large_chain_is_sent_as_the_client_reads_it() -> None:
    async def main() -> None:
        chain = identity(GATE, *(issue(f"number {number}") for number in range(60)))
        with room(identity=chain) as here:
            sock, tunnel = here.accept(buffer=4096)
            client = SecureClient(sock)
            client.tls.handshake()
            sock.send(client.tls.take())
            await until(lambda: isinstance(tunnel._client, TlsChannel) and tunnel._client.unsent)
            assert await here.poller.wake_ups_in_peace() <= HANDFUL
            await client.shake_hands()
            await until(lambda: tunnel.record.gate_tls)

    run(main())


def test_a_client_certificate_is_recorded(tmp_path: Path) -> None:
    authority = issue("client authority", authority=True)
    certificate, key = issue("cucm-pub", authority, names=(), usage=ExtendedKeyUsageOID.CLIENT_AUTH).write(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)

    async def main() -> None:
        asking = identity(client_ca=tmp_path / "ca.pem")
        context = trusting(None)
        context.load_cert_chain(certificate, key)
        with room(identity=asking) as here:
            sock, _ = here.accept()
            client = SecureClient(sock, context)
            await client.shake_hands()
            await client.send(b"GET / HTTP/1.1\r\n\r\n")
            await client.receive()
            await client.end(with_tcp=True)
            assert (await here.ended()).client_certificate == "CN=cucm-pub"

    run(main())
