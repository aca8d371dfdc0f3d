"""Targets that are well, or fail in one way each: `SERVERS` by the name that a scenario gives them."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from support.authority import Leaf
from support.matrix.chains import Chains
from support.upstream import Upstream, read_nothing

Behaviour = Callable[[socket.socket], None]
Secured = Callable[[ssl.SSLSocket], None]

NEWEST, OLDER = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
SLOW = threading.Event()  # never set: waiting for it is a pause that a stop could end
HANDSHAKE_FAILURE, UNRECOGNIZED_NAME, INTERNAL_ERROR = 40, 112, 80  # RFC 8446 section 6


def context(leaf: Leaf, newest: ssl.TLSVersion = NEWEST, *, tickets: int = 2) -> ssl.SSLContext:
    """A server's side of TLS with this leaf and this many tickets."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(leaf.chain, leaf.key)
    made.maximum_version = newest
    made.num_tickets = tickets
    made.set_alpn_protocols(["http/1.1"])
    return made


def asking_for_a_certificate(leaf: Leaf, newest: ssl.TLSVersion, root: Path, mode: ssl.VerifyMode) -> ssl.SSLContext:
    """The same, with a CertificateRequest."""
    made = context(leaf, newest)
    made.load_verify_locations(root)
    made.verify_mode = mode
    return made


def secured(with_context: ssl.SSLContext, then: Secured) -> Behaviour:
    """Complete the handshake, if the client does, and go on."""

    def behave(connection: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError), with_context.wrap_socket(connection, server_side=True) as secure:
            then(secure)

    return behave


def read_request(secure: ssl.SSLSocket) -> bytes:
    """Read one request with its body. Returns b"" if none comes."""
    request = b""
    while b"\r\n\r\n" not in request:
        data = secure.recv(65536)
        if not data:
            return b""
        request += data
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    left = int(lengths[0]) - len(body) if lengths else 0
    while left > 0:
        data = secure.recv(65536)
        if not data:
            return b""
        left -= len(data)
    return head


def answer(status: str = "200 OK", body: bytes = b"{}", *, pause: float = 0, clock: timedelta | None = None) -> Secured:
    """Answer each request, with a Date that may be wrong, and close as HTTP/1.1 servers do."""

    def then(secure: ssl.SSLSocket) -> None:
        while read_request(secure):
            SLOW.wait(pause)
            date = format_datetime(datetime.now(UTC) + (clock or timedelta()), usegmt=True)
            length = "" if status.startswith("204") else f"Content-Length: {len(body)}\r\n"
            head = f"HTTP/1.1 {status}\r\nDate: {date}\r\n{length}Connection: close\r\n\r\n"
            secure.sendall(head.encode() + body)
            with contextlib.suppress(OSError, ValueError):
                secure.setblocking(False)
                secure.unwrap()
            return

    return then


def answer_and_keep(secure: ssl.SSLSocket) -> None:
    """Answer each request and leave the connection to the client."""
    while read_request(secure):
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def never_answer(secure: ssl.SSLSocket) -> None:
    """Read all that comes and say nothing."""
    while secure.recv(65536):
        pass


def close_after_request(secure: ssl.SSLSocket) -> None:
    """Read the request and close."""
    read_request(secure)


def reset_after_request(secure: ssl.SSLSocket) -> None:
    """Read the request and reset."""
    read_request(secure)
    _reset_at_close(secure)


def reset_in_answer(secure: ssl.SSLSocket) -> None:
    """Begin an answer and reset."""
    read_request(secure)
    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 20000)
    _reset_at_close(secure)


def read_no_further(secure: ssl.SSLSocket) -> None:
    """Take nothing of what the client sends, until it gives up."""
    read_nothing(secure)


def close_unasked(secure: ssl.SSLSocket) -> None:
    """Close after the handshake, before a request is read."""
    _reset_at_close(secure)


def _reset_at_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def read_hello(connection: socket.socket) -> bytes:
    """Read the client's first record. Returns it whole."""
    record = b""
    while len(record) < 5 or len(record) < 5 + int.from_bytes(record[3:5], "big"):
        data = connection.recv(65536)
        if not data:
            return b""
        record += data
    return record


def stay_silent(connection: socket.socket) -> None:
    """Read all that comes and say nothing."""
    while connection.recv(65536):
        pass


def close_on_hello(connection: socket.socket) -> None:
    """Close on the hello."""
    read_hello(connection)


def reset_on_hello(connection: socket.socket) -> None:
    """Reset on the hello, as an intrusion prevention system does."""
    read_hello(connection)
    _reset_at_close(connection)


def alert_on_hello(number: int) -> Behaviour:
    """Refuse the hello with a fatal alert."""

    def behave(connection: socket.socket) -> None:
        read_hello(connection)
        connection.sendall(bytes((21, 3, 3, 0, 2, 2, number)))

    return behave


def say_on_hello(text: bytes) -> Behaviour:
    """Answer the hello with something other than TLS."""

    def behave(connection: socket.socket) -> None:
        read_hello(connection)
        connection.sendall(text)

    return behave


def say_at_once(text: bytes) -> Behaviour:
    """Speak first."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(text)
        stay_silent(connection)

    return behave


def half_a_flight(with_context: ssl.SSLContext, then: Behaviour) -> Behaviour:
    """Send half of the server's flight, and go on."""

    def behave(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        incoming.write(read_hello(connection))
        with contextlib.suppress(ssl.SSLError):
            with_context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
        flight = outgoing.read()
        connection.sendall(flight[: len(flight) // 2])
        then(connection)

    return behave


def behaviours(chains: Chains) -> Mapping[str, Behaviour]:
    """Each target by its name."""
    good, root = chains.leaves["good"], chains.trust.pem
    newest, older = context(good), context(good, OLDER)
    newest_alone = context(good)
    newest_alone.minimum_version = NEWEST
    foreign_cipher = context(good, OLDER)
    foreign_cipher.set_ciphers("ECDHE-ECDSA-CAMELLIA128-SHA256")
    wants, wants_12 = (asking_for_a_certificate(good, v, root, ssl.CERT_REQUIRED) for v in (NEWEST, OLDER))
    may, may_12 = (asking_for_a_certificate(good, v, root, ssl.CERT_OPTIONAL) for v in (NEWEST, OLDER))
    page = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>Blocked by policy</html>"
    wrong_clock = timedelta(days=-15)
    made: dict[str, Behaviour] = {
        "good": secured(newest, answer()),
        "good_12": secured(older, answer()),
        "no_tickets": secured(context(good, tickets=0), answer()),
        "one_ticket": secured(context(good, tickets=1), answer()),
        "only_13": secured(newest_alone, answer()),
        "no_content": secured(newest, answer("204 No Content", b"")),
        "forbidden": secured(newest, answer("403 Forbidden", b"no")),
        "server_error": secured(newest, answer("500 Internal Server Error", b"x" * 3000)),
        "slow": secured(newest, answer(pause=2)),
        "keeps_open": secured(newest, answer_and_keep),
        "client_certificate": secured(wants, answer()),
        "client_certificate_12": secured(wants_12, answer()),
        "optional_certificate": secured(may, answer()),
        "optional_certificate_12": secured(may_12, answer()),
        "no_common_cipher": secured(foreign_cipher, answer()),
        "unanswered": secured(newest, never_answer),
        "unanswered_12": secured(older, never_answer),
        "closes_after_request": secured(newest, close_after_request),
        "resets_after_request": secured(newest, reset_after_request),
        "resets_in_answer": secured(newest, reset_in_answer),
        "reads_no_further": secured(newest, read_no_further),
        "closes_unasked": secured(newest, close_unasked),
        "silent": read_nothing,
        "silent_after_hello": stay_silent,
        "closes_on_hello": close_on_hello,
        "resets_on_hello": reset_on_hello,
        "refuses_hello": alert_on_hello(HANDSHAKE_FAILURE),
        "refuses_name": alert_on_hello(UNRECOGNIZED_NAME),
        "breaks_on_hello": alert_on_hello(INTERNAL_ERROR),
        "block_page": say_on_hello(page),
        "ssh": say_at_once(b"SSH-2.0-OpenSSH_9.2\r\n"),
        "half_flight_silent": half_a_flight(newest, stay_silent),
        "half_flight_silent_12": half_a_flight(older, stay_silent),
        "half_flight_closed": half_a_flight(newest, lambda connection: None),
        "half_flight_reset": half_a_flight(newest, _reset_at_close),
    }
    for name, leaf in chains.leaves.items():
        if name != "good":
            made[name] = secured(context(leaf), answer())
            made[f"{name}_12"] = secured(context(leaf, OLDER), answer())
    made["expired_by_our_clock"] = secured(context(chains.leaves["expired"]), answer(clock=wrong_clock))
    return made


@contextlib.contextmanager
def run_servers(
    chains: Chains, wanted: set[str], listen: Callable[[], socket.socket] | None = None
) -> Iterator[Mapping[str, int]]:
    """Run those of `behaviours` that are wanted. Yields their ports by name."""
    made = behaviours(chains)
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(Upstream(made[name], listen() if listen else None)).port
            for name in sorted(wanted & made.keys())
        }
