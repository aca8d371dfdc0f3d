"""A bare socket as a client, plain or with TLS to the gate, to send what no well-behaved client would."""

import errno
import socket
import ssl
import struct
import time
from collections.abc import Callable

import pytest
from msgspec import Struct

from support.gate import Gate
from support.licensing_exchange import TARGET
from support.sockets import unacknowledged
from support.upstream import SECONDS

_CLOSED = 7  # TCP_CLOSE of Linux's tcp_states.h, as tcp(7)'s TCP_INFO tells it

CONNECT = f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode()


class Answer(Struct, frozen=True):
    """The gate's answer to a request; `body` is empty if only the head was read."""

    status: int
    reason: str
    fields: dict[str, str]
    body: bytes = b""

    @property
    def record(self) -> str:
        """The id of its record in the access log."""
        return self.fields["Proxy-Status"].rstrip('"').rpartition(" ")[2]

    @property
    def outcome(self) -> str:
        """The outcome that the status line of a refusal names."""
        return self.reason.partition(":")[0]


def dial(gate: Gate) -> socket.socket:
    """Connect to the gate, with a timeout of SECONDS."""
    connection = socket.create_connection(("127.0.0.1", gate.port), timeout=SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def dial_tls(gate: Gate) -> ssl.SSLSocket:
    """Connect with TLS to the gate, without verifying its certificate."""
    return secured(dial(gate))


def secured(connection: socket.socket, name: str = "") -> ssl.SSLSocket:
    """Start TLS on a connection, without verifying the peer; `name` is the server name sent, if any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=name or None)


Dial = Callable[[Gate], socket.socket]

plain_and_tls = pytest.mark.parametrize("dial", [dial, dial_tls], ids=["plain", "over TLS"])


def open_tunnel(gate: Gate, head: bytes = CONNECT, dial: Dial = dial) -> socket.socket:
    """Open a tunnel: connect, send `head`, read the 200."""
    connection = dial(gate)
    connection.sendall(head)
    answer = read_answer(connection)
    assert answer.status == 200, answer
    return connection


def assert_carries(*tunnels: socket.socket) -> None:
    """Send through each tunnel to an upstream that echoes, and read the same back."""
    for tunnel in tunnels:
        tunnel.sendall(b"still here")
        assert tunnel.recv(100) == b"still here"


def read_answer(connection: socket.socket) -> Answer:
    """Read the head of an answer byte by byte, so that no byte of the tunnel is consumed."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"the connection ended within the answer's head: {head!r}"
        head += byte
    status_line, *field_lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    version, status, reason = status_line.split(" ", 2)
    assert version == "HTTP/1.1"
    fields = dict(line.split(": ", 1) for line in field_lines)
    return Answer(int(status), reason, fields)


def ask(gate: Gate, request: bytes, dial: Dial = dial) -> Answer:
    """Send a request that will be refused, read the whole answer, and close cleanly.

    Fails if the gate resets the connection, as the system does if the gate leaves bytes unread: many clients would
    then lose the answer.
    """
    with dial(gate) as connection:
        connection.sendall(request)
        answer = read_answer(connection)
        body = read_to_end(connection)
        end_well(connection)
    return Answer(answer.status, answer.reason, answer.fields, body)


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the peer ends its side."""
    parts = []
    while data := connection.recv(65536):
        parts.append(data)
    return b"".join(parts)


def read_to_break(connection: socket.socket) -> bytes:
    """Read until the peer ends its side or resets the connection."""
    parts = []
    try:
        while data := connection.recv(65536):
            parts.append(data)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def end_well(connection: socket.socket) -> None:
    """End our side after the peer ended its own. Raises AssertionError if the peer answers with a reset.

    Raises ssl.SSLError if the peer did not send close_notify in TLS.
    """
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()
    connection.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + SECONDS
    while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _CLOSED:
        assert time.monotonic() < deadline, "the peer does not acknowledge our FIN"
        time.sleep(0.001)
    error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert not error, f"the peer reset the connection: {errno.errorcode[error]}"


def break_off(connection: socket.socket) -> int:
    """Reset the connection once the peer's system acknowledged everything, or stopped doing so for 0.5 s.

    Returns the number of unacknowledged bytes, which the reset discards.
    """
    left, since = unacknowledged(connection), time.monotonic()
    while left and time.monotonic() < since + 0.5:
        time.sleep(0.001)
        if (now := unacknowledged(connection)) != left:
            left, since = now, time.monotonic()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return left
