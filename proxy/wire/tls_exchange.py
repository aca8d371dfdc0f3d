"""How far client and target got with TLS, from the types, lengths and order of their records. Nothing is decrypted.

Up to TLS 1.2 application data has a record type of its own. TLS 1.3 (RFC 8446) hides the type, and shows this instead:

- The client's handshake ends with its Finished, which has one of few lengths. A further record is a request, unless it
  is as short as an alert.
- Nothing that the target sends before the client's Finished is an answer, nor anything before the client's request.
- Behind a request, an answer follows the target's session tickets. A record is a ticket if the target is known to send
  tickets of its length (`ticket_lengths`), or if it has the length of the one before; a cipher's block more or less is
  the same length. The first record of an unknown length may be either and counts as no answer: an answer that is missed
  costs less than a success that was none.
"""

from collections.abc import Container
from typing import Final

from licensegate.records.alert import Alert
from licensegate.records.contact import Contact
from licensegate.records.text import without_logins

from .server_handshake import ServerHandshake
from .tls_records import (
    APPLICATION_RECORD,
    CHANGE_CIPHER_SPEC_RECORD,
    HANDSHAKE_RECORD,
    MOST_RECORDS,
    RECORD_HEADER,
    RecordShape,
)

_FINISHED: Final = frozenset({53, 69, 85, 101})
"""Lengths of a Finished in TLS 1.3: a hash of 32 or 48 bytes, 4 of header, 17 of encryption; Java pads by 16."""

_LEAST_DATA: Final = 40
"""Shorter records in TLS 1.3 are alerts, of 19 or, padded, 35 bytes, and key updates."""

_EMPTY_CERTIFICATE: Final = 25  # a client's answer to a server that wants one
_LEAST_FLIGHT: Final = 300  # bytes of a server's handshake with a certificate

_MOST_TICKET: Final = 1 << 13
"""A longer record carries no ticket. The longest ones contain a client's certificate."""

_TICKET_BLOCK: Final = 16
"""OpenSSL encrypts its tickets in blocks of AES. The number in each (`ticket_age_add`) has no leading zeros, so those
of one handshake may differ by a block."""

_MOST_TICKETS: Final = 8
"""Of one handshake: OpenSSL sends two, others up to four."""

_LEAST_HTTP2_ANSWER: Final = 100
"""An HTTP/2 server sends its settings unasked, in a record shorter than this."""

_CONTINUE: Final = 42
_CONTINUE_1_2: Final = (41, 49)
"""Lengths of `100 Continue` and nothing more (25 bytes): in TLS 1.3, and with ChaCha20 or AES-GCM up to TLS 1.2.

It asks for the rest of the request and answers nothing (RFC 9110 section 15.2.1).
"""

_NO_ALPN: Final = 32  # bytes: a shorter EncryptedExtensions of TLS 1.3 selects no "h2"

_SAID_CHARACTERS: Final = 40
_SAID_BYTES: Final = 200

_MOST_CLEAR: Final = 1 << 15
"""Bytes of a server's handshake in the clear that are looked at in one piece."""

_NO_LENGTHS: Final[frozenset[int]] = frozenset()

_LOOKED_AT: Final = 64
"""Records of a direction that are looked at while it is open what they are."""

_REJECTIONS: Final = frozenset(
    {
        Alert.BAD_CERTIFICATE,
        Alert.UNSUPPORTED_CERTIFICATE,
        Alert.CERTIFICATE_REVOKED,
        Alert.CERTIFICATE_EXPIRED,
        Alert.CERTIFICATE_UNKNOWN,
        Alert.UNKNOWN_CA,
        Alert.BAD_CERTIFICATE_STATUS_RESPONSE,
    }
)


class TlsExchange:
    """What the records of both directions have shown so far.

    `version` is the negotiated one, `tickets` are lengths of tickets that were seen. `target_ended`: the target ended
    its side while the client had not; the relay sets it. `known_tickets` are those of `TicketLengths.of`.
    """

    __slots__ = (
        "answered", "client_finished", "known_tickets", "may_be_http2", "requested", "target_ended", "tickets",
        "version",
    )  # fmt: skip

    def __init__(self, alpn: tuple[str, ...] = ()) -> None:
        """`alpn` are the protocols that the client offers."""
        self.version = ""
        self.client_finished = False
        self.requested = False
        self.answered = False
        self.target_ended = False
        self.may_be_http2 = "h2" in alpn
        self.known_tickets: frozenset[int] | None = None
        self.tickets: frozenset[int] = _NO_LENGTHS


class _Direction(RecordShape):
    """The records of one direction. `application` is the first with application data, -1 before that."""

    __slots__ = ("_before_relay", "_ciphers_changed", "_judged", "application", "exchange")

    def __init__(self, exchange: TlsExchange, first: bytes) -> None:
        """`first` is what was received before the relay began."""
        RecordShape.__init__(self, _LOOKED_AT)
        self.exchange = exchange
        self.application = -1
        self._judged = 0  # records
        self._ciphers_changed = False
        self._before_relay = len(first)
        if first:
            self.see(first)

    def see(self, data: memoryview | bytes) -> bool:
        """Note the records in the next bytes of the stream, and judge them. Returns False once no more are needed."""
        RecordShape.see(self, data)
        if self.application < 0 and (noted := len(self.records)) > self._judged:
            self.application = self._judge()
            self._judged = noted
            if self.application >= 0:
                self._most = MOST_RECORDS
                self._done = self._done or noted >= MOST_RECORDS
        return not self._done

    @property
    def noted(self) -> list[tuple[int, int]]:
        """The records for the log."""
        records = self.records
        return records if len(records) <= MOST_RECORDS else records[:MOST_RECORDS]

    def application_bytes(self, relayed: int) -> int:
        """The bytes of application data, encrypted and with record headers, if so many were relayed in all."""
        if self.application < 0:
            return 0
        payloads = [length for _, length in self.records[: self.application]]
        return self._before_relay + relayed - RECORD_HEADER * len(payloads) - sum(payloads)

    def _judge(self) -> int:
        """Judge the records that were not judged. Returns the first with application data, else -1."""
        raise NotImplementedError


class ClientRecords(_Direction):
    """The client's records behind its ClientHello. Up to TLS 1.2 the record behind a change of ciphers is Finished."""

    __slots__ = ("_unfinished",)

    def __init__(self, exchange: TlsExchange, first: bytes = b"") -> None:
        self._unfinished: tuple[int, ...] = ()  # encrypted records in the place of the Finished of TLS 1.3
        _Direction.__init__(self, exchange, first)

    def _judge(self) -> int:
        exchange, records = self.exchange, self.records
        is_1_3 = exchange.version == "1.3"
        for number in range(self._judged, len(records)):
            kind, length = records[number]
            if kind == APPLICATION_RECORD:
                if not is_1_3:
                    exchange.requested = exchange.version != ""
                elif exchange.client_finished:
                    exchange.requested = length >= _LEAST_DATA
                elif length in _FINISHED:
                    exchange.client_finished = True
                elif not exchange.target_ended:
                    self._unfinished = (*self._unfinished, length)
                if exchange.requested:
                    return number
            elif kind == CHANGE_CIPHER_SPEC_RECORD:
                self._ciphers_changed = True
            elif kind == HANDSHAKE_RECORD and self._ciphers_changed and exchange.version and not is_1_3:
                exchange.client_finished = True
        return -1

    @property
    def sent_alert_for_finished(self) -> bool:
        """Whether the client sent one encrypted alert in the Finished's place, as if to a certificate (TLS 1.3)."""
        if self.exchange.client_finished or len(self._unfinished) != 1:
            return False
        return self._unfinished[0] <= _LEAST_DATA and self._unfinished[0] != _EMPTY_CERTIFICATE


class TargetRecords(_Direction):
    """The target's records. `server` has what it showed in the clear, `said` the first words of one without TLS."""

    __slots__ = ("_behind_handshake", "_clear", "_finished", "_flight", "_last", "_reads_clear", "said", "server")

    def __init__(self, exchange: TlsExchange, first: bytes = b"") -> None:
        self.server = ServerHandshake()
        self.said = ""
        self._reads_clear = True
        self._clear = b""  # a record of the handshake, while it is incomplete
        self._flight = 0  # encrypted bytes before the client's Finished
        self._finished = False
        self._behind_handshake = 0  # records, in TLS 1.3
        self._last = 0  # the length of the last of them
        _Direction.__init__(self, exchange, first)

    def see(self, data: memoryview | bytes) -> bool:
        """Note the records in the next bytes, or the first words if they are no TLS. Returns as for every stream."""
        if self._reads_clear:
            self._read_clear(data)
        goes_on = _Direction.see(self, data)
        if not goes_on and not self.records and not self.said:
            self.said = without_logins(bytes(data[:_SAID_BYTES]).partition(b"\n")[0].strip(), _SAID_CHARACTERS)
        return goes_on

    @property
    def has_shown_certificate(self) -> bool:
        """Whether a whole flight with a certificate passed in TLS 1.3, as far as its length tells."""
        return self._flight >= _LEAST_FLIGHT and self._is_between_records

    @property
    def has_finished(self) -> bool:
        """Whether the target has completed its handshake; in TLS 1.3 the client's Finished shows it."""
        return self._finished or self.exchange.version == "1.3"

    def _read_clear(self, data: memoryview | bytes) -> None:
        """Read the records of the handshake in the clear: up to a change of ciphers, unless that followed a retry."""
        held = self._clear + bytes(data[:_MOST_CLEAR]) if self._clear else data[:_MOST_CLEAR]
        server, size, position = self.server, len(held), 0
        goes_on = len(data) <= _MOST_CLEAR
        while position + RECORD_HEADER <= size:
            kind, end = held[position], position + RECORD_HEADER + (held[position + 3] << 8 | held[position + 4])
            if kind == APPLICATION_RECORD or (kind == CHANGE_CIPHER_SPEC_RECORD and server.is_chosen):
                goes_on = False
                break
            if end > size:
                break
            if kind == HANDSHAKE_RECORD:
                goes_on = server.read(bytes(held[position + RECORD_HEADER : end])) and goes_on
            position = end
            if not goes_on:
                break
        self._reads_clear = goes_on
        self._clear = bytes(held[position:]) if goes_on else b""
        if server.version:
            self.exchange.version = server.version
            if server.version != "1.3":
                self.exchange.may_be_http2 = server.chooses_http2

    def _judge(self) -> int:
        exchange, records = self.exchange, self.records
        is_1_3 = exchange.version == "1.3"
        for number in range(self._judged, len(records)):
            kind, length = records[number]
            if kind == APPLICATION_RECORD:
                if not is_1_3:
                    is_answer = length not in _CONTINUE_1_2 and not self._may_be_settings(length)
                    exchange.answered = exchange.requested and is_answer
                elif exchange.client_finished:
                    exchange.answered = self._is_answer(length)
                else:  # of the server's flight, or already a ticket behind it
                    if self._finished and _LEAST_DATA <= length <= _MOST_TICKET:
                        self._note_ticket(length)
                    elif not self._flight and length < _NO_ALPN:
                        exchange.may_be_http2 = False
                    elif self._flight and length in _FINISHED:
                        self._finished = True
                    self._flight += length
                    continue
                if exchange.answered:
                    return number
            elif kind == CHANGE_CIPHER_SPEC_RECORD:
                self._ciphers_changed = True
            elif kind == HANDSHAKE_RECORD and self._ciphers_changed and exchange.version and not is_1_3:
                self._finished = True
        return -1

    def _is_answer(self, length: int) -> bool:
        """Judge a record of TLS 1.3 behind the client's Finished."""
        exchange = self.exchange
        if length < _LEAST_DATA or length == _CONTINUE:
            return False
        if not exchange.requested:
            self._note_ticket(length)
            return False
        if self._may_be_settings(length):
            return False
        if length > _MOST_TICKET or self._behind_handshake >= _MOST_TICKETS:
            return True
        known = exchange.known_tickets
        if _is_like(length, exchange.tickets) or _is_like(length, (self._last,)) or (known and _is_like(length, known)):
            self._note_ticket(length)
            return False
        is_first = not self._behind_handshake
        self._behind_handshake += 1
        self._last = length
        sends_tickets = known is None or bool(known or exchange.tickets)
        return not (is_first and sends_tickets)

    def _note_ticket(self, length: int) -> None:
        self._behind_handshake += 1
        self._last = length
        self.exchange.tickets |= {length}

    def _may_be_settings(self, length: int) -> bool:
        return self.exchange.may_be_http2 and length < _LEAST_HTTP2_ANSWER


def _is_like(length: int, tickets: Container[int]) -> bool:
    """Whether a record of this length is a ticket if ones of these lengths are."""
    return length in tickets or length - _TICKET_BLOCK in tickets or length + _TICKET_BLOCK in tickets


def contact_of(client: ClientRecords, target: TargetRecords) -> Contact:
    """Return how far they got."""
    exchange = client.exchange
    if exchange.answered:
        return Contact.ANSWERED
    if not target.is_tls:
        return Contact.NOT_TLS
    if exchange.requested:
        return Contact.REQUEST_UNANSWERED
    if client.alert in _REJECTIONS or (client.sent_alert_for_finished and target.has_shown_certificate):
        return Contact.CERTIFICATE_REJECTED
    if exchange.client_finished and target.has_finished:
        return Contact.HANDSHAKE_UNUSED
    if not target.has_begun:
        return Contact.HELLO_CUT if exchange.target_ended else Contact.HELLO_UNANSWERED
    if target.alert is not None and not target.server.is_chosen:
        return Contact.HELLO_REFUSED
    return Contact.HANDSHAKE_CUT
