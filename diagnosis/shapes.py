"""What types and lengths of TLS records say beyond the contact (RFC 8446 section 5.1). Pure."""

from collections.abc import Collection, Sequence
from typing import Final

from licensegate.records.record import TunnelRecord

SHOWS_ALL: Final = frozenset({"ssl3", "1.0", "1.1", "1.2"})
"""Versions whose record types tell an answer from a session ticket."""

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA = range(20, 24)

_FINISHED: Final = frozenset({53, 69, 85, 101})
"""Lengths of an encrypted Finished: of a hash of 32 or 48 bytes, plain and padded by JSSE."""

_EMPTY_CERTIFICATE: Final = (25, 41)
"""Lengths of an encrypted empty Certificate: of OpenSSL and GnuTLS, and of JSSE, which pads."""

_EMPTY_CERTIFICATE_IN_CLEAR: Final = (_HANDSHAKE, 7)
_SERVER_HELLO_DONE: Final = (_HANDSHAKE, 4)

_LEAST_FLIGHT: Final = 600
"""Bytes of a server's first messages with a certificate in them; the shortest certificates take 400."""

_ALIKE: Final = (0, 16)
"""By how much the lengths of tickets of one handshake differ: by a block of AES at most."""

_HTTP2: Final = "h2"
_MOST_ALERTS: Final = 2

_LONGEST_ALERT: Final = 40
"""Of an encrypted alert: 19 bytes, and with JSSE's padding 35."""


def shows_no_certificate(record: TunnelRecord) -> bool:
    """Whether the client sent an empty certificate: it was asked for one and has none.

    In TLS 1.3 that is its first encrypted record, and another one, Finished, follows.
    """
    if _EMPTY_CERTIFICATE_IN_CLEAR in map(tuple, record.client_records):
        return True
    encrypted = [length for kind, length in record.client_records if kind == _APPLICATION_DATA]
    return len(encrypted) > 1 and encrypted[0] in _EMPTY_CERTIFICATE and record.tls_negotiated not in SHOWS_ALL


def left_at_certificate(record: TunnelRecord) -> bool:
    """Whether the client may have ended the handshake itself once it had the certificate, as Node and java.net.http do.

    They send nothing, or a change of ciphers alone. A reset comes from the network.
    """
    said_nothing = all(kind == _CHANGE_CIPHER_SPEC for kind, _ in record.client_records)
    return said_nothing and not record.detail and record.upstream_read >= _LEAST_FLIGHT


def is_clients_turn(record: TunnelRecord) -> bool:
    """Whether the target's part of the handshake was whole, and the client did not go on: it judges the certificate.

    That part ends with a ServerHelloDone, or in TLS 1.3 with a Finished.
    """
    said_nothing = all(kind == _CHANGE_CIPHER_SPEC for kind, _ in record.client_records)
    sent = list(map(tuple, record.upstream_records))
    finished = any(kind == _APPLICATION_DATA and length in _FINISHED for kind, length in sent)
    return said_nothing and (_SERVER_HELLO_DONE in sent or finished)


def may_be_answered(record: TunnelRecord, tickets: Collection[int] = ()) -> bool:
    """Whether one record behind the target's handshake may be an answer. In TLS 1.3 it may as well be a ticket.

    Two of one length are tickets, as are those of the lengths that a look at the target met; of more, one may be an
    answer of their length. More records as short as an alert than a server sends alerts are data, too. HTTP/2 answers a
    small request with records as short as its own settings.
    """
    lengths = [length for kind, length in record.upstream_records if kind == _APPLICATION_DATA]
    if record.tls_negotiated in SHOWS_ALL:
        return _HTTP2 in record.alpn and len(lengths) > 1
    finished = next((place for place, length in enumerate(lengths) if length in _FINISHED), 0)
    after = lengths[finished + 1 :]
    behind = [length for length in after if length > _LONGEST_ALERT]
    if len(after) - len(behind) > _MOST_ALERTS:
        return True
    alike = {length: sum(abs(other - length) in _ALIKE for other in behind) for length in behind}
    return any(count > 2 or (count == 1 and length not in tickets) for length, count in alike.items())


def ends_in_alert(records: Sequence[tuple[int, int]]) -> bool:
    """Whether the last record of a side is as short as an alert or close_notify."""
    if not records:
        return False
    kind, length = records[-1]
    return kind == _ALERT or (kind == _APPLICATION_DATA and length <= _LONGEST_ALERT)
