"""Our verdict on request heads beside that of h11, another reader of HTTP/1, with every difference and its reason.

h11 stands for what other software makes of the same bytes. Where both accept a head, they agree on what it says.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.h11_head import assert_h11_agrees, assert_same, ours, theirs

LINE = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\n"
HOST = b"Host: tools.cisco.com:443\r\n"

BOTH_READ = {
    "a CONNECT": LINE + HOST + b"\r\n",
    "bare LFs": (LINE + HOST + b"\r\n").replace(b"\r\n", b"\n"),
    "a bare LF after the request line": LINE[:-2] + b"\n" + HOST + b"\r\n",
    "a bare LF for the empty line": LINE + HOST + b"\n",
    "HTTP/1.2": LINE.replace(b"1.1", b"1.2") + HOST + b"\r\n",
    "bytes outside ASCII in a value": LINE + HOST + b"X: \xff\r\n\r\n",
}
BOTH_REFUSE = {
    "a bare CR in a field": LINE + HOST + b"A: 1\rB: 2\r\n\r\n",
    "a bare CR for line ends": (LINE + HOST + b"\r\n").replace(b"\r\n", b"\r"),
    "NUL in a field": LINE + HOST + b"A: 1\x002\r\n\r\n",
    "a blank before the colon": LINE + b"Host : tools.cisco.com\r\n\r\n",
    "two Hosts": LINE + HOST + HOST + b"\r\n",
    "two blanks": LINE.replace(b" ", b"  ", 1) + HOST + b"\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.10": LINE.replace(b"1.1", b"1.10") + HOST + b"\r\n",
    "two empty lines first": b"\r\n\r\n" + LINE + HOST + b"\r\n",
}
ONLY_WE_READ = {
    "an empty line first: RFC 9112 section 2.2 asks servers to skip it": b"\r\n" + LINE + HOST + b"\r\n",
    "no Host: HTTP/1.0 clients and some devices send none": LINE + b"\r\n",
    "a target outside ASCII: the target's own parser says more": b"CONNECT t\xf6ols:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "two Hosts of another method: it is refused anyway": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
}
ONLY_H11_READS = {
    "a folded field: RFC 9112 section 5.2 forbids it": LINE + HOST + b"A: 1\r\n 2\r\n\r\n",
    "HTTP/2.0: the gate could not answer in it": LINE.replace(b"1.1", b"2.0") + HOST + b"\r\n",
    "HTTP/0.1: no version of HTTP/1": LINE.replace(b"1.1", b"0.1") + HOST + b"\r\n",
    "an escape: it would reach logs": LINE + HOST + b"A: \x1b[2J\r\n\r\n",
    "a CONNECT with a length: RFC 9110 section 9.3.6": LINE + HOST + b"Content-Length: 5\r\n\r\n",
    "a Host that is no host": LINE + b"Host: a b\r\n\r\n",
}


@pytest.mark.parametrize("received", BOTH_READ.values(), ids=BOTH_READ)
def test_both_read_the_same_request(received: bytes) -> None:
    head, request = ours(received), theirs(received)

    assert head is not None
    assert request is not None
    assert_same(head, request)


@pytest.mark.parametrize("received", BOTH_REFUSE.values(), ids=BOTH_REFUSE)
def test_both_refuse_the_same_heads(received: bytes) -> None:
    assert (ours(received), theirs(received)) == (None, None)


@pytest.mark.parametrize("received", ONLY_WE_READ.values(), ids=ONLY_WE_READ)
def test_what_only_we_read_has_a_reason(received: bytes) -> None:
    assert ours(received) is not None
    assert theirs(received) is None


@pytest.mark.parametrize("received", ONLY_H11_READS.values(), ids=ONLY_H11_READS)
def test_what_only_h11_reads_has_a_reason(received: bytes) -> None:
    assert ours(received) is None
    assert theirs(received) is not None


PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"x", b"\xff", b"User-Agent: a\r\n", b"B: c\n", b"HTTP/1.1"]
)


@st.composite
def changed_heads(draw: st.DrawFn) -> bytes:
    """A head of the tables, with up to four pieces put in, each in the place of up to three bytes."""
    head = bytearray(draw(st.sampled_from([*BOTH_READ.values(), *ONLY_WE_READ.values()])))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(head)))
        head[start : start + draw(st.integers(0, 3))] = draw(PIECES)
    return bytes(head)


@given(changed_heads())
def test_where_both_accept_a_head_they_agree_on_it_and_its_end(received: bytes) -> None:
    assert_h11_agrees(received)
