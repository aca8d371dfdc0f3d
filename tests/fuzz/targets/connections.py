"""A client's whole connection: what it says, in the pieces in which it arrives, plain and as TLS to the gate."""

import contextlib

from licensegate.allowlist.target import Target
from licensegate.certs.identity import load_identity
from licensegate.proxy.protocol.commands import Dial, StartTls
from licensegate.proxy.protocol.states import State
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.wire.tls_layer import TlsFailure, TlsLayer
from licensegate.records.record import TunnelRecord
from support.certificates import issue
from support.client_hellos import RECORDED
from support.conversation_harness import (
    HEAD,
    OWN_NAME,
    SNAPSHOT,
    connect_head,
    head_with_login,
    hello,
    login_snapshot,
    start_conversation,
)
from support.logins import basic

from ..target import FuzzTarget, as_file, listed, pieces

HOST = "tools.cisco.com"
HELLO = hello(HOST)
HEADER = b"PROXY TCP4 10.1.2.4 10.1.2.4 50000 443\r\n"
FINISHED = b"\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x02ab"
GUARDED = login_snapshot()
GATE = issue()
SERVED = load_identity(as_file(GATE.pem, "gate.pem"), as_file(GATE.key_pem(), "gate.key")).context


def connection(data: bytes) -> tuple[TunnelRecord, list[Target]]:
    """The record and the dialled targets of a connection that sends these pieces, with `|` between them.

    Its target answers. The first byte chooses the listener: `p` is behind a balancer, `l` wants a login.
    """
    counter = TunnelCounter()
    talk = start_conversation(
        GUARDED if data[:1] == b"l" else SNAPSHOT, counter=counter, behind_balancer=data[:1] == b"p"
    )
    dialled = []
    for said in filter(None, data[1:].split(b"|")):
        command = talk.received(said)
        if isinstance(command, StartTls):
            command = talk.secured("TLSv1.3", "")
        elif talk.state is State.LOGIN:
            command = talk.login_checked(right=said.count(b"Basic") == 1)
        if isinstance(command, Dial):
            dialled.append(command.target)
            command = talk.connected()
        if talk.state in (State.RELAYING, State.LINGERING, State.CLOSED):
            break
    if talk.state is State.LINGERING:
        talk.client_ended()
    elif talk.state is not State.CLOSED:
        talk.stopped()
    assert talk.state is State.CLOSED
    assert (counter.tunnels, counter.by_client) == (0, {})
    return talk.record, dialled


def connection_holds(data: bytes, outcome: tuple[TunnelRecord, list[Target]]) -> None:
    """Every end has an outcome and a sentence, and nothing but an allowed target is dialled."""
    record, dialled = outcome
    assert record.outcome is not None
    assert record.sentence().isprintable()
    assert record.client_read <= len(data)
    assert all(SNAPSHOT.policy.decide(target).allowed for target in dialled)
    assert len(dialled) <= 1


def tls(data: bytes) -> TlsLayer:
    """The gate's side of TLS, fed with these bytes."""
    layer = TlsLayer(SERVED)
    with contextlib.suppress(BlockingIOError):
        for piece in pieces(data, 700):
            layer.feed(piece)
            if layer.handshake():
                layer.read_into(memoryview(bytearray(1024)))
    layer.take_ciphertext()
    return layer


TARGETS = (
    FuzzTarget(
        name="connection",
        read=connection,
        holds=connection_holds,
        seeds=(
            b"n" + HEAD + b"|" + HELLO + FINISHED,
            b"n" + HEAD + HELLO,
            b"n" + HEAD[:20] + b"|" + HEAD[20:] + b"|" + HELLO[:30] + b"|" + HELLO[30:],
            b"n" + HELLO,
            b"n" + hello(OWN_NAME) + b"|" + HEAD + b"|" + HELLO,
            b"n" + HEAD + b"|" + hello("evil.example"),
            b"n" + connect_head(b"evil.example:443"),
            b"p" + HEADER + HEAD + b"|" + HELLO,
            b"l" + head_with_login() + b"|" + HELLO,
            b"l" + head_with_login(basic(password="x")),
            b"l" + HEAD,
            b"n\x05\1\0",
        ),
        words=(
            *listed(r"| \r\n\r\n \x16\x03\x01 \x15\x03\x03\x00\x02\x02\x30 \x80\x2e\x01 CONNECT\x20 :443-2.0 p l"),
            *(HEAD, HELLO, HEADER, FINISHED, hello(), hello(OWN_NAME), head_with_login()),
        ),
        largest=1500,
    ),
    FuzzTarget(
        name="gate-tls",
        read=tls,
        refuses=(TlsFailure,),
        seeds=(RECORDED["openssl"].hello, RECORDED["java-11"].hello + FINISHED, HELLO, b"\x15\x03\x03\0\2\2\x30", HEAD),
        words=(*listed(r"\x16\x03\x01 \x17\x03\x03 \x15\x03\x03\x00\x02 \x00\x2b \x03\x04 \xff\xff"), FINISHED),
        largest=2048,
    ),
)
