"""What a tunnel's record says about the TLS inside it, while it is open and at its end."""

import socket

import pytest
from cryptography.hazmat.primitives import serialization

from licensegate.proxy.settings import TunnelChecks
from licensegate.proxy.tunnel import flow as flow_module
from licensegate.records.contact import Contact
from licensegate.records.outcome import Outcome, Party
from support.certificates import issue
from support.sockets import receive, reset, run, turns, until
from support.tls_streams import CCS, HANDSHAKE, alert, certificate, data, record, sealed, server_hello
from support.tunnel_harness import HELLO, LoopUpstream, TunnelHarness, open_harness_with_upstream

CHECKS = TunnelChecks()
FLIGHT = record(HANDSHAKE, server_hello(0x0304)) + CCS + data(23, 843, 281, 69)
FINISHED, REQUEST = CCS + data(69), data(400)


async def greeted(harness: TunnelHarness, upstream: LoopUpstream) -> tuple[socket.socket, socket.socket]:
    """A tunnel whose client has sent its ClientHello. Returns the client's socket and the target's."""
    client, far, _ = await harness.open_tunnel(upstream)
    client.send(HELLO)
    assert await receive(far, len(HELLO)) == HELLO
    return client, far


async def pass_on(sender: socket.socket, receiver: socket.socket, sent: bytes) -> None:
    sender.send(sent)
    assert await receive(receiver, len(sent)) == sent


def test_an_answer_is_known_while_the_tunnel_is_open() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            await pass_on(far, client, FLIGHT)
            await pass_on(client, far, FINISHED + REQUEST)
            (tunnel,) = harness.context.connections
            asked = tunnel.so_far()
            assert (asked.contact, asked.answered_ms) == (Contact.REQUEST_UNANSWERED, None)

            await pass_on(far, client, data(250, 250, 517))
            answered = tunnel.so_far()
            assert (answered.contact, answered.tls_negotiated) == (Contact.ANSWERED, "1.3")
            assert (answered.request_bytes, answered.answer_bytes) == (len(REQUEST), len(data(517)))
            assert answered.answered_ms is not None
            assert answered.client_last_ms is not None
            assert answered.upstream_last_ms is not None
            assert answered.client_last_ms <= answered.answered_ms <= answered.upstream_last_ms

            await pass_on(far, client, data(*[9000] * 3))
            client.close()
            far.close()
            ended = await harness.last_record()
            assert ended.answered_ms == answered.answered_ms
            assert ended.answer_bytes == len(data(517, *[9000] * 3))
            assert ended.upstream_last_ms is not None
            assert ended.upstream_last_ms > answered.answered_ms
            assert (ended.client_tcp, ended.upstream_tcp, ended.server_certificate) == (None, None, None)
            await harness.assert_nothing_left()

    run(main())


def test_tickets_of_one_tunnel_are_known_in_the_next() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            contacts: list[Contact | None] = []
            for answer in (data(250, 250), data(250), data(250, 60)):
                client, far = await greeted(harness, upstream)
                await pass_on(far, client, FLIGHT)
                await pass_on(client, far, FINISHED + REQUEST)
                await pass_on(far, client, answer)
                far.close()
                client.close()
                contacts.append((await harness.last_record(len(contacts) + 1)).contact)
                assert harness.context.tickets.of(harness.records[0].target) == frozenset({250})
            assert contacts == [Contact.REQUEST_UNANSWERED, Contact.REQUEST_UNANSWERED, Contact.ANSWERED]

    run(main())


@pytest.mark.parametrize(
    "leave", [lambda sock: sock.shutdown(socket.SHUT_WR), socket.socket.close], ids=["FIN", "close"]
)
@pytest.mark.parametrize(
    ("said", "contact"),
    [(b"", Contact.HELLO_UNANSWERED), (FLIGHT[:-20], Contact.HANDSHAKE_CUT)],
    ids=["no answer to the hello", "half a flight"],
)
def test_a_client_that_gives_up_its_handshake_ends_the_tunnel(leave: object, said: bytes, contact: Contact) -> None:
    assert callable(leave)

    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            await pass_on(far, client, said)
            leave(client)
            record = await harness.last_record()
            assert (record.outcome, record.contact) == (Outcome.CLOSED_BY_CLIENT, contact)
            assert record.ended_first is Party.CLIENT
            assert await receive(far) == b""
            far.close()
            await until(lambda: not harness.context.deadlines.in_use)

    run(main())


def test_a_rejection_reaches_the_target_before_the_end() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            await pass_on(far, client, FLIGHT)
            client.send(alert(48))
            client.close()
            assert (await harness.last_record()).contact is Contact.CERTIFICATE_REJECTED
            assert await receive(far) == alert(48)

    run(main())


def test_a_request_is_still_answered_once_its_client_has_ended() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            await pass_on(far, client, FLIGHT)
            await pass_on(client, far, FINISHED + REQUEST)
            client.shutdown(socket.SHUT_WR)
            await turns(20)
            assert not harness.records
            await pass_on(far, client, data(250, 250, 517))
            far.close()
            assert (await harness.last_record()).contact is Contact.ANSWERED

    run(main())


def test_the_certificate_that_was_rejected_is_in_the_record() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            der = issue().certificate.public_bytes(serialization.Encoding.DER)
            await pass_on(far, client, record(HANDSHAKE, server_hello() + certificate(der)))
            await pass_on(client, far, alert(46))
            client.close()
            ended = await harness.last_record()
            assert ended.server_certificate is not None
            assert ended.server_certificate.names == ("gate.example",)
            assert (ended.tls_negotiated, ended.contact) == ("1.2", Contact.CERTIFICATE_REJECTED)

    run(main())


def test_a_target_without_tls_is_quoted() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            await pass_on(far, client, b"HTTP/1.1 403 Blocked\r\n\r\n")
            client.close()
            far.close()
            ended = await harness.last_record()
            assert (ended.contact, ended.target_said) == (Contact.NOT_TLS, "HTTP/1.1 403 Blocked")

    run(main())


def test_bytes_that_a_target_never_took_are_in_the_record() -> None:
    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            await pass_on(far, client, record(HANDSHAKE, server_hello() + bytes((14, 0, 0, 0))))
            await pass_on(client, far, sealed(37) + CCS + sealed(40))
            await pass_on(far, client, CCS + sealed(40))
            block = data(16000)
            for _ in range(2000):  # until neither kernel nor gate take more
                try:
                    client.send(block)
                except BlockingIOError:
                    break
                await turns(1)
            harness.sweep(100_000)
            ended = await harness.last_record()
            assert (ended.outcome, ended.contact) == (Outcome.IDLE_TIMEOUT, Contact.REQUEST_UNANSWERED)
            assert ended.upstream_tcp is not None
            assert ended.upstream_tcp.unsent > 0
            assert ended.client_tcp is None

    run(main())


def test_nothing_is_spliced_past_records_that_are_still_read() -> None:
    """Here the target's flight alone is longer than what is copied before a direction is spliced."""

    async def main() -> None:
        with open_harness_with_upstream(checks=CHECKS) as (harness, upstream):
            client, far = await greeted(harness, upstream)
            flight = record(HANDSHAKE, server_hello(0x0304)) + data(23, *[18000] * 20)
            assert len(flight) > flow_module._SPLICE_AFTER
            for start in range(0, len(flight), 60_000):
                await pass_on(far, client, flight[start : start + 60_000])
            await pass_on(client, far, FINISHED + REQUEST)
            for _ in range(20):
                await pass_on(far, client, data(*[9000] * 3))
            (tunnel,) = harness.context.connections
            assert tunnel.so_far().contact is Contact.ANSWERED
            assert len(harness.context.pipes._idle) == 1, "a large answer is spliced"
            reset(client)

    run(main())
