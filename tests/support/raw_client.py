"""A client that is nothing but a socket, plain or with TLS to the gate, for what no well-behaved client would send."""

import errno
import socket
import ssl
import struct
import time
from collections.abc import Callable

from msgspec import Struct

from support.exchange import TARGET
from support.gate import Gate
from support.sockets import unacknowledged
from support.upstream import SECONDS

_CLOSED = 7  # TCP_CLOSE of Linux's tcp_states.h, as tcp(7)'s TCP_INFO tells it

CONNECT = f"CONNECT {TARGET} HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode()


class Answer(Struct, frozen=True):
    """The gate's answer to a request. What comes after its head is `body`, if anybody read on."""

    status: int
    reason: str
    fields: dict[str, str]
    body: bytes = b""

    @property
    def record(self) -> str:
        """The id of its record in the access log, by which a user's screenshot finds the line."""
        return self.fields["Proxy-Status"].rstrip('"').rpartition(" ")[2]


def dial(gate: Gate) -> socket.socket:
    """A connection to the gate, on which nothing waits for ever."""
    connection = socket.create_connection(("127.0.0.1", gate.port), timeout=SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def dial_tls(gate: Gate) -> ssl.SSLSocket:
    """The same with TLS to the gate, whose certificate is not looked at."""
    return secured(dial(gate))


def secured(connection: socket.socket, name: str = "") -> ssl.SSLSocket:
    """TLS with whoever is at the other end, asked for by this name or by none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=name or None)


Dial = Callable[[Gate], socket.socket]


def open_tunnel(gate: Gate, head: bytes = CONNECT, dial: Dial = dial) -> socket.socket:
    """A connection through which a tunnel has just been opened."""
    connection = dial(gate)
    connection.sendall(head)
    answer = read_answer(connection)
    assert answer.status == 200, answer
    return connection


def read_answer(connection: socket.socket) -> Answer:
    """Read the head of an answer and nothing more: byte by byte, since the tunnel's first bytes may follow at once."""
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
    """Send a request that will be refused, read the answer with its body, and end as a well-bred client does.

    Whatever else the request holds, the gate must have read it by then: what it left would have been a reset, which
    takes from many clients the answer too.
    """
    with dial(gate) as connection:
        connection.sendall(request)
        answer = read_answer(connection)
        body = read_to_end(connection)
        end_well(connection)
    return Answer(answer.status, answer.reason, answer.fields, body)


def read_to_end(connection: socket.socket) -> bytes:
    """Everything until the peer ends its side."""
    parts = []
    while data := connection.recv(65536):
        parts.append(data)
    return b"".join(parts)


def read_to_break(connection: socket.socket) -> bytes:
    """Everything until the peer ends its side or breaks off."""
    parts = []
    try:
        while data := connection.recv(65536):
            parts.append(data)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def end_well(connection: socket.socket) -> None:
    """End our side after the peer has ended its own; raises AssertionError if the peer answers that with a reset.

    In TLS the peer has said close_notify; raises ssl.SSLError if it has not.
    """
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()
    connection.shutdown(socket.SHUT_WR)
    deadline = time.monotonic() + SECONDS
    while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _CLOSED:
        assert time.monotonic() < deadline, "the peer does not take our end"
        time.sleep(0.001)
    error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    assert not error, f"the peer broke off: {errno.errorcode[error]}"


def break_off(connection: socket.socket) -> int:
    """Reset the connection once the peer's system has what was sent, or takes no more of it.

    Returns how many bytes it did not take: a reset takes those back.
    """
    left, since = unacknowledged(connection), time.monotonic()
    while left and time.monotonic() < since + 0.5:
        time.sleep(0.001)
        if (now := unacknowledged(connection)) != left:
            left, since = now, time.monotonic()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return left
