"""How far TLS got in a tunnel, as the sizes of its records show. Nothing is decrypted."""

import enum


class Contact(enum.StrEnum):
    """The furthest that client and target got.

    A licensing contact succeeded only where it is `ANSWERED`: the target sent application data after the client's
    request. The HTTP status inside is not visible.
    """

    ANSWERED = "answered"
    REQUEST_UNANSWERED = "request_unanswered"
    HANDSHAKE_UNUSED = "handshake_unused"
    CERTIFICATE_REJECTED = "certificate_rejected"
    HANDSHAKE_CUT = "handshake_cut"
    HELLO_REFUSED = "hello_refused"
    HELLO_UNANSWERED = "hello_unanswered"
    HELLO_CUT = "hello_cut"
    NOT_TLS = "not_tls"
