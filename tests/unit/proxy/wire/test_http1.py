"""Heads that are accepted, heads that are refused, and both in any split."""

import pytest

from licensegate.proxy.wire import http1
from licensegate.proxy.wire.http1 import Head, HeadError, read_head
from licensegate.records.outcome import Outcome
from support.request_heads import ACCEPTED, EVERY_HEAD, INCOMPLETE, LIMIT, LINE, REFUSED, first_verdict, verdict


@pytest.mark.parametrize(("received", "head"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_valid_head_is_read(received: bytes, head: Head) -> None:
    assert read_head(received, LIMIT) == head


@pytest.mark.parametrize(("received", "outcome", "detail"), REFUSED.values(), ids=REFUSED.keys())
def test_a_faulty_head_is_refused_with_its_outcome(received: bytes, outcome: Outcome, detail: str) -> None:
    assert verdict(received) == (outcome, detail)


@pytest.mark.parametrize("received", INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_a_head_that_may_still_become_valid_is_not_judged(received: bytes) -> None:
    assert read_head(received, LIMIT) is None


@pytest.mark.parametrize("received", EVERY_HEAD.values(), ids=EVERY_HEAD.keys())
def test_byte_by_byte_the_verdict_is_that_of_the_whole(received: bytes) -> None:
    assert first_verdict(received) == verdict(received)


@pytest.mark.parametrize("received", [received for received, _ in ACCEPTED.values()], ids=ACCEPTED.keys())
@pytest.mark.parametrize("early", [b"\r\n", b"\x16\x03\x01", LINE + b"\r\n", b"x" * LIMIT], ids=repr)
def test_bytes_after_the_head_are_not_part_of_it(received: bytes, early: bytes) -> None:
    assert read_head(received + early, LIMIT) == read_head(received, LIMIT)


def test_a_head_that_was_read_before_is_not_read_again() -> None:
    head = LINE + b"User-Agent: read-before/1\r\nHost: tools.cisco.com\r\n\r\n"
    first = read_head(head, LIMIT)

    assert first is not None
    assert read_head(bytes(bytearray(head)), LIMIT) is first


def test_a_head_that_was_read_before_still_has_its_limit() -> None:
    head = LINE + b"User-Agent: read-before/2\r\n\r\n"
    read_head(head, len(head))

    with pytest.raises(HeadError):
        read_head(head, len(head) - 1)


@pytest.mark.parametrize(
    "field",
    [
        b"Proxy-Authorization: Basic Y3VjbTpzZWNyZXQ=",
        b"PROXY-AUTHORIZATION: Y3VjbTpzZWNyZXQ=",
        b"Authorization: Y3VjbTpzZWNyZXQ=",
        b"Cookie: Y3VjbTpzZWNyZXQ=",
        b"X-Anything: Y3VjbTpzZWNyZXQ=",
        b"User-Agent: agent token=Y3VjbTpzZWNyZXQ=",
        b"Via: 1.1 cucm:Y3VjbTpzZWNyZXQ=@proxy",
    ],
    ids=repr,
)
def test_no_head_that_may_hold_a_login_is_remembered(field: bytes) -> None:
    head = LINE + field + b"\r\n\r\n"

    assert read_head(head, LIMIT) is not read_head(head, LIMIT)
    assert not any(b"Y3VjbTpzZWNyZXQ=" in known for known in http1._known)


def test_few_and_short_heads_are_remembered() -> None:
    for number in range(1000):
        read_head(LINE + b"User-Agent: few/%d\r\n\r\n" % number, LIMIT)
    read_head(LINE + b"User-Agent: %b\r\n\r\n" % (b"x" * 600), LIMIT)

    assert 0 < len(http1._known) <= 256
    assert max(map(len, http1._known)) <= 512
