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

from collections.abc import Callable, Container
from operator import itemgetter
from typing import Final

from msgspec import Struct, field

from licensegate.records.alert import ABOUT_A_CERTIFICATE, Alert
from licensegate.records.contact import Contact
from licensegate.records.text import without_logins

from .server_handshake import ServerHandshake
from .tls_records import (
    APPLICATION_RECORD,
    CHANGE_CIPHER_SPEC_RECORD,
    HANDSHAKE_RECORD,
    MOST_RECORDS,
    RECORD_HEADER,
    STARTS,
    RecordShape,
    read_header,
)

_FINISHED: Final = frozenset({53, 69, 85, 101})
"""Lengths of a Finished in TLS 1.3: a hash of 32 or 48 bytes, 4 of header, 17 of encryption; Java pads by 16."""

_LEAST_DATA: Final = 40
"""Shorter records in TLS 1.3 are alerts, of 19 or, padded, 35 bytes, and key updates."""

_EMPTY_CERTIFICATE: Final = 25  # a client's answer to a server that wants one
_LEAST_HELLO: Final = 42  # bytes of a ServerHello with its header
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

_length: Final[Callable[[tuple[int, int]], int]] = itemgetter(1)  # of a record that was noted

_REJECTIONS: Final = ABOUT_A_CERTIFICATE | {Alert.BAD_CERTIFICATE_STATUS_RESPONSE}


class TlsExchange(Struct, eq=False, gc=False):
    """What the records of both directions have shown so far.

    `may_be_http2`: the client offers it, and the target has not shown that it chose another protocol. `version` is the
    negotiated one, `tickets` are lengths of tickets that were seen. `target_ended`: the target ended its side while the
    client had not; the relay sets it. `known_tickets` are those of `TicketLengths.of`.
    """

    may_be_http2: bool = False
    version: str = ""
    client_finished: bool = False
    requested: bool = False
    answered: bool = False
    target_ended: bool = False
    known_tickets: frozenset[int] | None = None
    tickets: frozenset[int] = _NO_LENGTHS


class _Direction(RecordShape, kw_only=True, eq=False, gc=False):
    """The records of one direction. `application` is the first with application data, -1 before that."""

    exchange: TlsExchange
    application: int = -1
    _ciphers_changed: bool = False
    _before_relay: int = 0
    _most: int = _LOOKED_AT
    _judges: bool = True

    def begin_with(self, received: bytes) -> None:
        """Note what was received before the relay began."""
        self._before_relay = len(received)
        self.see(received)

    def application_bytes(self, relayed: int) -> int:
        """The bytes of application data, encrypted and with record headers, if so many were relayed in all."""
        if self.application < 0:
            return 0
        handshake = sum(map(_length, self.records[: self.application])) + RECORD_HEADER * self.application
        return self._before_relay + relayed - handshake

    def _begin_application(self, number: int) -> None:
        """Note that this record is the first with application data: nothing is left to judge."""
        self.application = number
        self._judges = False
        self._most = MOST_RECORDS
        if len(self.records) >= MOST_RECORDS:
            self._done = True


class ClientRecords(_Direction, kw_only=True, eq=False, gc=False):
    """The client's records behind its ClientHello. Up to TLS 1.2 the record behind a change of ciphers is Finished."""

    _unfinished: tuple[int, ...] = ()  # lengths of encrypted records in the place of the Finished of TLS 1.3

    def _judge(self, start: int) -> None:
        exchange, records = self.exchange, self.records
        is_1_3 = exchange.version == "1.3"
        for number in range(start, len(records)):
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
                    return self._begin_application(number)
            elif kind == CHANGE_CIPHER_SPEC_RECORD:
                self._ciphers_changed = True
            elif kind == HANDSHAKE_RECORD and self._ciphers_changed and exchange.version and not is_1_3:
                exchange.client_finished = True
        return None

    @property
    def sent_alert_for_finished(self) -> bool:
        """Whether the client sent one encrypted alert in the Finished's place, as if to a certificate (TLS 1.3)."""
        if self.exchange.client_finished or len(self._unfinished) != 1:
            return False
        return self._unfinished[0] <= _LEAST_DATA and self._unfinished[0] != _EMPTY_CERTIFICATE


class TargetRecords(_Direction, kw_only=True, eq=False, gc=False):
    """The target's records. `server` has what it showed in the clear, `said` the first words of one without TLS."""

    server: ServerHandshake = field(default_factory=ServerHandshake)
    said: str = ""
    _reads_clear: bool = True
    _clear: bytes = b""  # a record of the handshake, while it is incomplete
    _flight: int = 0  # encrypted bytes before the client's Finished
    _finished: bool = False
    _behind_handshake: int = 0  # records, in TLS 1.3
    _last: int = 0  # the length of the last of them

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
        held: memoryview | bytes = data if len(data) <= _MOST_CLEAR else data[:_MOST_CLEAR]
        if self._clear:
            held = self._clear + bytes(held)
        server, size, position = self.server, len(held), 0
        goes_on = len(data) <= _MOST_CLEAR
        while position + RECORD_HEADER <= size:
            start, length = read_header(held, position)
            kind, end = start >> 8, position + RECORD_HEADER + length
            is_encrypted = kind == APPLICATION_RECORD or (kind == CHANGE_CIPHER_SPEC_RECORD and server.is_chosen)
            if is_encrypted or start not in STARTS:
                goes_on = False
                break
            if end > size:
                break
            if kind == HANDSHAKE_RECORD:
                goes_on = server.read(bytes(held[position + RECORD_HEADER : end])) and goes_on
            position = end
            if not goes_on:
                break
        if goes_on:
            self._clear = bytes(held[position:])
        else:
            self._reads_clear = False
            self._clear = b""
        if server.version:
            self.exchange.version = server.version
            if server.version != "1.3":
                self.exchange.may_be_http2 = server.chooses_http2

    def _note_words(self, data: memoryview | bytes) -> None:
        self.said = without_logins(bytes(data[:_SAID_BYTES]).partition(b"\n")[0].strip(), _SAID_CHARACTERS)

    def _judge(self, start: int) -> None:
        exchange = self.exchange
        if exchange.version != "1.3":
            self._judge_up_to_1_2(start)
        elif exchange.client_finished:
            self._judge_behind_finished(start)
        else:
            self._judge_flight(start)

    def _judge_up_to_1_2(self, start: int) -> None:
        exchange, records = self.exchange, self.records
        for number in range(start, len(records)):
            kind, length = records[number]
            if kind == APPLICATION_RECORD:
                is_settings = exchange.may_be_http2 and length < _LEAST_HTTP2_ANSWER
                if exchange.requested and length not in _CONTINUE_1_2 and not is_settings:
                    return self._answer(number)
            elif kind == CHANGE_CIPHER_SPEC_RECORD:  # not before a ServerHello, which is read ahead of its record
                hello = any(what == HANDSHAKE_RECORD and size >= _LEAST_HELLO for what, size in records[:number])
                self._ciphers_changed = self._ciphers_changed or hello
            elif kind == HANDSHAKE_RECORD and self._ciphers_changed and exchange.version:
                self._finished = True
        return None

    def _judge_flight(self, start: int) -> None:
        """Judge records of TLS 1.3 before the client's Finished: of the server's flight, or tickets behind it."""
        flight = self._flight
        for kind, length in self.records[start:]:
            if kind == APPLICATION_RECORD:
                if self._finished and _LEAST_DATA <= length <= _MOST_TICKET:
                    self._last = length
                    self._behind_handshake += 1
                    self.exchange.tickets |= {length}
                elif flight and length in _FINISHED:
                    self._finished = True
                elif not flight and length < _NO_ALPN:
                    self.exchange.may_be_http2 = False
                flight += length
            elif kind == CHANGE_CIPHER_SPEC_RECORD:
                self._ciphers_changed = True
        self._flight = flight

    def _judge_behind_finished(self, start: int) -> None:
        """Judge records of TLS 1.3 behind the client's Finished: tickets, then answers. Shorter ones say nothing."""
        exchange, records = self.exchange, self.records
        requested, tickets, known = exchange.requested, exchange.tickets, exchange.known_tickets or _NO_LENGTHS
        behind, last = self._behind_handshake, self._last
        least = _LEAST_HTTP2_ANSWER if requested and exchange.may_be_http2 else _LEAST_DATA
        for number in range(start, len(records)):
            kind, length = records[number]
            if kind == APPLICATION_RECORD and length >= least and length != _CONTINUE:
                if requested and (length > _MOST_TICKET or behind >= _MOST_TICKETS):
                    return self._answer(number)
                if not requested or length == last or length in known or _is_like(length, known | tickets | {last}):
                    if length not in tickets:
                        exchange.tickets = tickets = tickets | {length}
                elif behind or (exchange.known_tickets == _NO_LENGTHS and not tickets):
                    return self._answer(number)
                behind += 1
                last = length
            elif kind == CHANGE_CIPHER_SPEC_RECORD:
                self._ciphers_changed = True
        self._behind_handshake, self._last = behind, last
        return None

    def _answer(self, number: int) -> None:
        self.exchange.answered = True
        self._begin_application(number)


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
