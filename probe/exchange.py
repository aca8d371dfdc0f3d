"""One TLS exchange with a target: the handshake, the wait for session tickets, and a small GET. Judges nothing.

The server's records pass one by one, so that they are counted as an observer of the tunnel counts them. OpenSSL's
security level is 0: a look shows what is there, and enforces nothing. The groups are those of the clients of licensing;
without post-quantum key shares the ClientHello fits into one packet, like theirs.
"""

import contextlib
import enum
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from OpenSSL import SSL

from licensegate.proxy.wire.tls_records import ALERT_RECORD, APPLICATION_RECORD, HANDSHAKE_RECORD

from .link import USER_AGENT, Link, LinkTimeout
from .records import NotTlsError, Record, RecordCutter

TICKET_SECONDS: Final = 0.4
"""How long to wait for tickets after the handshake. They follow it at once."""

ANSWER_SECONDS: Final = 8.0
"""How long to wait for the next bytes of the server."""

_MOST_ANSWER: Final = 16384
_SAID: Final = 512
_CIPHERS: Final = b"ALL:!aNULL:!eNULL:@SECLEVEL=0"
_GROUPS: Final = b"X25519:P-256:P-384:P-521"
_CERTIFICATE_REQUEST: Final = b"read server certificate request"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r\n]")
_DATE: Final = re.compile(rb"\r\nDate:[ \t]*([^\r\n]+)", re.IGNORECASE)


class Versions(enum.Enum):
    """The TLS versions to offer: those of today, or the ones before them."""

    CURRENT = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION)
    OLD = (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION)


class Ended(enum.Enum):
    """How the handshake ended."""

    COMPLETE = enum.auto()
    REFUSED = enum.auto()
    CUT = enum.auto()
    SILENT = enum.auto()
    NOT_TLS = enum.auto()
    FAILED_HERE = enum.auto()


class Exchange(Struct):
    """What was seen.

    `alert` is the last one that the server sent, in the handshake or later; `failure` OpenSSL's own reason. `said` has
    its first bytes if they are not TLS, `received` the number of bytes it sent. `date` is its Date, and `dated` when it
    came, by the gate's clock.
    """

    ended: Ended = Ended.SILENT
    alert: int | None = None
    failure: str = ""
    said: bytes = b""
    received: int = 0
    chain: tuple[bytes, ...] = ()
    wants_certificate: bool = False
    tls_version: str = ""
    flight_bytes: int = 0
    ticket_bytes: tuple[int, ...] = ()
    http_status: int = 0
    date: datetime | None = None
    dated: datetime | None = None


def exchange(link: Link, host: str, versions: Versions, *, is_address: bool) -> Exchange:
    """Talk TLS over a tunnel to `host`; without a server name if that is an address."""
    seen = Exchange()
    client = _Client(link, host, versions, seen, is_address=is_address)
    try:
        seen.ended = client.shake_hands()
        if seen.ended is Ended.COMPLETE:
            client.wait_for_tickets()
            client.ask(host)
    except (OSError, LinkTimeout):
        pass  # the handshake was over: what was seen counts
    seen.received = link.received
    return seen


class _Client:
    def __init__(self, link: Link, host: str, versions: Versions, seen: Exchange, *, is_address: bool) -> None:
        self._link = link
        self._seen = seen
        self._cutter = RecordCutter()
        self._waiting: Iterator[Record] = iter(())
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(versions.value[0])
        context.set_max_proto_version(versions.value[1])
        context.set_cipher_list(_CIPHERS)
        context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
        context.set_verify(SSL.VERIFY_NONE)
        context.set_info_callback(self._note)
        openssl = SSL._lib  # type: ignore[attr-defined]  # pyOpenSSL itself cannot set the groups
        openssl.SSL_CTX_set1_curves_list(context._context, _GROUPS)
        self._tls = SSL.Connection(context, None)
        self._tls.set_connect_state()
        if not is_address:
            self._tls.set_tlsext_host_name(host.encode())

    def _note(self, tls: SSL.Connection, where: int, value: int) -> None:
        """OpenSSL reports a step of the handshake, or an alert."""
        if where & SSL.SSL_CB_READ_ALERT == SSL.SSL_CB_READ_ALERT:
            if value & 0xFF:  # not a close_notify
                self._seen.alert = value & 0xFF
        elif _CERTIFICATE_REQUEST in tls.get_state_string():
            self._seen.wants_certificate = True

    def shake_hands(self) -> Ended:
        """Complete the handshake, as far as the server lets us."""
        sizes: list[tuple[int, int]] = []
        try:
            while not self._step(self._tls.do_handshake):
                record = self._next(ANSWER_SECONDS)
                if record is None:
                    return Ended.CUT
                sizes.append((record.kind, record.length))
                self._tls.bio_write(record.data)
        except SSL.Error as error:
            self._seen.failure = _reason(error)
            with contextlib.suppress(OSError, LinkTimeout):
                self._flush()
            return Ended.FAILED_HERE if self._seen.alert is None else Ended.REFUSED
        except NotTlsError:
            self._seen.said = self._cutter.pending[:_SAID]
            return Ended.NOT_TLS
        except LinkTimeout:
            return Ended.SILENT
        except OSError:
            return Ended.CUT
        finally:
            self._note_chain()
        self._seen.tls_version = self._tls.get_protocol_version_name()
        kinds = {HANDSHAKE_RECORD, APPLICATION_RECORD}
        self._seen.flight_bytes = sum(length for kind, length in sizes if kind in kinds)
        return Ended.COMPLETE

    def wait_for_tickets(self) -> None:
        """Note the records that come without being asked for: in TLS 1.3, session tickets."""
        until = time.monotonic() + TICKET_SECONDS
        with contextlib.suppress(LinkTimeout, NotTlsError, SSL.Error):
            while (left := until - time.monotonic()) > 0:
                if self._take(left) is None:
                    return

    def ask(self, host: str) -> None:
        """Ask for `/`, and note the answer's status and Date."""
        fields = f"Host: {host}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\nConnection: close"
        answer = b""
        with contextlib.suppress(LinkTimeout, NotTlsError, SSL.Error):
            self._tls.send(f"GET / HTTP/1.1\r\n{fields}\r\n\r\n".encode())
            self._flush()
            while b"\r\n\r\n" not in answer and len(answer) < _MOST_ANSWER:
                data = self._take(ANSWER_SECONDS)
                if data is None:
                    break
                answer += data
        self._read(answer.partition(b"\r\n\r\n")[0])

    def _read(self, head: bytes) -> None:
        status, date = _STATUS.match(head), _DATE.search(head)
        if status is None:
            return
        self._seen.http_status = int(status[1])
        if date is not None:
            with contextlib.suppress(ValueError, TypeError):
                told = parsedate_to_datetime(date[1].decode("ascii", "replace"))
                self._seen.date = told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
                self._seen.dated = datetime.now(UTC)

    def _take(self, seconds: float) -> bytes | None:
        """Take one record and return the application data in it; None at the end. A ticket is noted."""
        record = self._next(seconds)
        if record is None:
            return None
        self._tls.bio_write(record.data)
        try:
            return self._tls.recv(_MOST_ANSWER)
        except SSL.WantReadError:
            if record.kind == APPLICATION_RECORD and self._seen.tls_version == "TLSv1.3":
                self._seen.ticket_bytes = (*self._seen.ticket_bytes, record.length)
            self._flush()
            return b""
        except SSL.ZeroReturnError:
            return None

    def _next(self, seconds: float) -> Record | None:
        """Return the server's next record; None at the end of the connection. Raises LinkTimeout and NotTlsError."""
        while (record := next(self._waiting, None)) is None:
            data = self._link.receive(seconds)
            if not data:
                return None
            self._waiting = self._cutter.feed(data)
        if record.kind == ALERT_RECORD and record.length == 2 and self._seen.alert is None and record.data[-1]:
            self._seen.alert = record.data[-1]
        return record

    def _step(self, step: Callable[[], object]) -> bool:
        """Take one step of OpenSSL and send what it wrote. Returns whether it is done."""
        done = True
        try:
            step()
        except SSL.WantReadError:
            done = False
        self._flush()
        return done

    def _flush(self) -> None:
        with contextlib.suppress(SSL.WantReadError):  # nothing is left
            while True:
                self._link.send(self._tls.bio_read(_MOST_ANSWER))

    def _note_chain(self) -> None:
        chain = self._tls.get_peer_cert_chain(as_cryptography=True) or ()
        self._seen.chain = tuple(certificate.public_bytes(Encoding.DER) for certificate in chain)


def _reason(error: SSL.Error) -> str:
    reasons = error.args[0] if error.args and isinstance(error.args[0], list) else ()
    return ", ".join(str(reason[-1]) for reason in reasons) or type(error).__name__
