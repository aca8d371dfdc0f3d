"""h11, another reader of HTTP/1, beside the gate's reader of request heads."""

import h11

from licensegate.proxy.wire.http1 import Head, HeadError, read_head

LIMIT = 16384


def ours(received: bytes) -> Head | None:
    """The head, or None for a refusal or an incomplete head."""
    try:
        head = read_head(received, LIMIT)
    except HeadError:
        return None
    return head if head is None or head.fault is None else None


def theirs(received: bytes) -> h11.Request | None:
    """The request as h11 reads it, or None for a refusal or an incomplete one."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)
    connection.receive_data(received)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    return event if isinstance(event, h11.Request) else None


def assert_h11_agrees(received: bytes) -> None:
    """Assert that where both accept a head, they agree on what it says and on its end."""
    head, request = ours(received), theirs(received)
    if head is not None and request is not None:
        assert_same(head, request)
        assert received[head.size :] == left_over(received)


def assert_same(head: Head, request: h11.Request) -> None:
    assert (head.method.encode(), head.target) == (request.method, request.target)
    assert [name.encode() for name in head.fields] == [name for name, _ in request.headers.raw_items()][:32]
    agents = [value for name, value in request.headers if name == b"user-agent" and value.isascii()]
    if agents and b"\t" not in agents[-1]:
        assert head.user_agent == agents[-1].decode()[:200]


def left_over(received: bytes) -> bytes:
    """What h11 leaves unread behind the head."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LIMIT)
    connection.receive_data(received)
    connection.next_event()
    return connection.trailing_data[0]
