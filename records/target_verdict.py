"""What a look at a target found: the probe and the judging of certificates say it, findings and pages read it."""

import enum


class TargetVerdict(enum.StrEnum):
    """What is wrong with a target, or with the way to it.

    `PUBLIC`: its chain leads to a public root and names it; a client that rejects it lacks the root or has a wrong
    clock. `PRIVATE`: its chain leads to the root that its rule names. `FOREIGN_ISSUER`: no known root signed it, as
    behind an intercepting proxy. `NOT_JUDGED`: the target is an operator's own, and its rule names no root.
    """

    PUBLIC = "public"
    PRIVATE = "private"
    NOT_JUDGED = "not_judged"
    WRONG_NAME = "wrong_name"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    GATE_CLOCK = "gate_clock"
    SELF_SIGNED = "self_signed"
    FOREIGN_ISSUER = "foreign_issuer"
    INCOMPLETE_CHAIN = "incomplete_chain"
    UNTRUSTED = "untrusted"
    SERVER_TOO_OLD = "server_too_old"
    NO_COMMON_CIPHER = "no_common_cipher"
    CLIENT_CERTIFICATE = "client_certificate"
    NOT_TLS = "not_tls"
    HELLO_REFUSED = "hello_refused"
    HELLO_CUT = "hello_cut"
    SILENT = "silent"
    NOT_REACHED = "not_reached"
