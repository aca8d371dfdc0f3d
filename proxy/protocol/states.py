"""The states of one client connection and the legal moves between them. `state_machine` and `conversation` make them.

    state         event                                        next state    command
    PROXY_HEADER  incomplete header                            PROXY_HEADER  Wait
    PROXY_HEADER  header                                       HELLO         depends on the rest
    PROXY_HEADER  no header, deadline, client's end, cut       CLOSED        Close
    HELLO         too little to tell                           HELLO         Wait
    HELLO         HTTP                                         HEAD          depends on the head
    HELLO         TLS to the gate                              HANDSHAKE     StartTls
    HELLO         TLS to an allowed target                     DIALLING      Dial
    HELLO         any other TLS, HTTP not served here            LINGERING     Refuse
    HELLO         anything else, deadline, client's end, cut   CLOSED        Close
    HANDSHAKE     handshake done                               HEAD          Wait
    HANDSHAKE     handshake failed, deadline                   CLOSED        Close
    HANDSHAKE     client's end, cut                            CLOSED        Close
    HEAD          incomplete head                              HEAD          Wait
    HEAD          CONNECT to an allowed target                 DIALLING      Dial
    HEAD          CONNECT with a password to be checked        LOGIN         CheckLogin
    HEAD          any other head, deadline, withdrawn          LINGERING     Refuse
    HEAD          first line of another protocol               CLOSED        Close
    HEAD          deadline before a byte                       CLOSED        Close
    HEAD          client's end, cut                            CLOSED        Close
    LOGIN         more bytes                                   LOGIN         Wait
    LOGIN         right password and allowed target            DIALLING      Dial
    LOGIN         any other target, withdrawn                  LINGERING     Refuse
    LOGIN         wrong password, not checked, deadline        LINGERING     Refuse
    LOGIN         client's end, cut                            CLOSED        Close
    DIALLING      more bytes                                   DIALLING      Wait
    DIALLING      connected                                    INNER_HELLO   Send
    DIALLING      connected behind its first bytes             INNER_HELLO   depends on them
    DIALLING      connected behind bytes that must be TLS      LINGERING     Refuse
    DIALLING      connected with nothing to check              RELAYING      Establish
    DIALLING      dial failed, withdrawn                       LINGERING     Refuse
    DIALLING      client's end, cut                            CLOSED        Close
    INNER_HELLO   incomplete hello                             INNER_HELLO   Wait
    INNER_HELLO   bytes that may pass                          RELAYING      Establish
    INNER_HELLO   TLS that may not                             LINGERING     Refuse
    INNER_HELLO   anything else, deadline, client's end, cut   CLOSED        Close
    RELAYING      relay ended, cut                             CLOSED        Close
    LINGERING     client's end, cut                            CLOSED        Close

TLS that fails after its handshake counts as the client's end. A dial that takes too long has failed. A relay ends
by itself: both sides end, one resets, nothing moves for too long, or it is as old as a tunnel may be. LINGERING
gives a refused client time to read the refusal; when that is over, it counts as the client's end. A client need not
wait for the 200: its first bytes are judged once its target is connected, and a refusal follows the 200. A cut
comes from outside the protocol: the gate stops, needs the place for another client, or has a fault; or the client
may no longer have its tunnel, or an operator ends it, but then a client that waits for an answer gets one
(withdrawn). Any other event in a state is a bug in the caller and raises RuntimeError.

Each state runs one deadline. Moving to a state with the same deadline does not restart it, so a client has one
`head_seconds` for everything up to the end of its head; the TLS handshake and the head inside it have one each.

    state         deadline   seconds
    PROXY_HEADER  head       head_seconds
    HELLO         head       head_seconds
    HANDSHAKE     handshake  head_seconds
    HEAD          head       head_seconds
    LOGIN         login      head_seconds
    DIALLING      dial       dial_seconds
    INNER_HELLO   hello      hello_seconds
    RELAYING      announce   60, then it is logged once; `relay` runs idle, half_closed and lifetime_seconds
    LINGERING     linger     2, run by `linger`
    CLOSED        none       none
"""

import enum
from typing import Final


class State(enum.StrEnum):
    """The state of a client connection."""

    PROXY_HEADER = enum.auto()
    HELLO = enum.auto()
    HANDSHAKE = enum.auto()
    HEAD = enum.auto()
    LOGIN = enum.auto()
    DIALLING = enum.auto()
    INNER_HELLO = enum.auto()
    RELAYING = enum.auto()
    LINGERING = enum.auto()
    CLOSED = enum.auto()


class TimeLimit(enum.StrEnum):
    """The deadlines that run in the states."""

    HEAD = enum.auto()
    HANDSHAKE = enum.auto()
    LOGIN = enum.auto()
    DIAL = enum.auto()
    HELLO = enum.auto()
    ANNOUNCE = enum.auto()
    LINGER = enum.auto()


MOVES: Final[dict[State, frozenset[State]]] = {
    State.PROXY_HEADER: frozenset({State.HELLO, State.CLOSED}),
    State.HELLO: frozenset({State.HANDSHAKE, State.HEAD, State.DIALLING, State.LINGERING, State.CLOSED}),
    State.HANDSHAKE: frozenset({State.HEAD, State.CLOSED}),
    State.HEAD: frozenset({State.LOGIN, State.DIALLING, State.LINGERING, State.CLOSED}),
    State.LOGIN: frozenset({State.DIALLING, State.LINGERING, State.CLOSED}),
    State.DIALLING: frozenset({State.INNER_HELLO, State.RELAYING, State.LINGERING, State.CLOSED}),
    State.INNER_HELLO: frozenset({State.RELAYING, State.LINGERING, State.CLOSED}),
    State.RELAYING: frozenset({State.CLOSED}),
    State.LINGERING: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}

TIME_LIMITS: Final[dict[State, TimeLimit | None]] = {
    State.PROXY_HEADER: TimeLimit.HEAD,
    State.HELLO: TimeLimit.HEAD,
    State.HANDSHAKE: TimeLimit.HANDSHAKE,
    State.HEAD: TimeLimit.HEAD,
    State.LOGIN: TimeLimit.LOGIN,
    State.DIALLING: TimeLimit.DIAL,
    State.INNER_HELLO: TimeLimit.HELLO,
    State.RELAYING: TimeLimit.ANNOUNCE,
    State.LINGERING: TimeLimit.LINGER,
    State.CLOSED: None,
}
