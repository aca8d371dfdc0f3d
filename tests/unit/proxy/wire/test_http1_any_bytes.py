"""Request heads of any bytes, in any pieces, and the logins in them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensegate.proxy.wire.http1 import Head, read_head
from licensegate.proxy.wire.via import names_us, passed_on
from licensegate.records.outcome import Outcome
from support.request_heads import EVERY_HEAD, LIMIT, LINE, first_verdict, verdict
from support.work import is_quick


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(LINE + b"a:\r\n" * 4000, id="CRLF"),
        pytest.param(LINE + b"a:\n" * 5333, id="LF"),
        pytest.param(b"GET /" + bytes(16000), id="NULs in the first line"),
    ],
)
def test_reading_a_head_byte_by_byte_takes_linear_time(head: bytes) -> None:
    def read() -> None:
        for size in range(1, len(head)):
            assert read_head(head[:size], 16384, size - 1) is None

    assert is_quick(read, 0.4)


def test_no_more_than_the_first_names_of_fields_are_kept() -> None:
    """Each name is a separate string per client: 133 names of two letters took 8 KB."""
    head = read_head(LINE + b"".join(b"x%d:\r\n" % number for number in range(100)) + b"\r\n", 16384)

    assert head is not None
    assert head.fields == tuple(f"x{number}" for number in range(32))


def test_only_the_end_of_a_long_via_is_read() -> None:
    head = read_head(LINE + b"Via: " + b"x" * 1500 + b"\r\nVia: " + b"y" * 1500 + b"\r\n\r\n", 16384)

    assert head is not None
    assert head.via == "x" * 546 + ", " + "y" * 1500


@pytest.mark.parametrize("first", [b"x" * 3000 + b", ", b"x" * 2047 + b"\r\nVia: "], ids=["in one field", "in two"])
def test_nothing_in_a_via_hides_the_gates_own_name(first: bytes) -> None:
    head = read_head(LINE + b"Via: " + first + passed_on("", "").encode() + b", 1.1 parent\r\n\r\n", 16384)

    assert head is not None
    assert names_us(head.via)


FIELDS = [b"Host: x\r\n", b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"]

ENDS = [b"\r\n", b"\r", b"\n", b"\r\n\r\n"]

OTHERS = [b" ", b"\t", b":", b"\0", b"\x7f", b"\xff", b"x", b"HTTP/1.1", b"HTTP/2.0", b"CONNECT"]

PIECES = st.sampled_from([*ENDS, *FIELDS, *OTHERS])


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """A head of the tables with up to four insertions, each replacing up to three bytes."""
    head = bytearray(draw(st.sampled_from([head for head in EVERY_HEAD.values() if len(head) < 200])))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(head)))
        head[start : start + draw(st.integers(0, 3))] = draw(PIECES)
    return bytes(head)


@given(heads(), st.integers(0, 220))
def test_no_head_is_judged_by_how_it_was_split(received: bytes, limit: int) -> None:
    whole = verdict(received, limit)

    assert first_verdict(received, limit) == whole
    if isinstance(whole, Head):
        assert whole.size <= limit
        assert received[: whole.size].endswith((b"\n\r\n", b"\n\n"))


@given(st.binary(max_size=300) | st.lists(PIECES, max_size=40).map(b"".join), st.integers(0, 300), st.randoms())
def test_parsing_can_resume_behind_the_bytes_already_judged(received: bytes, limit: int, chance: Random) -> None:
    judged = 0
    while judged < len(received):
        size = chance.randint(judged + 1, len(received))
        whole = verdict(received[:size], limit)
        assert verdict(received[:size], limit, judged) == whole
        if whole is not None:
            return
        judged = size


@given(heads(), st.binary(max_size=50))
def test_once_there_is_a_verdict_later_bytes_do_not_change_it(received: bytes, later: bytes) -> None:
    whole = verdict(received)

    if whole is not None:
        assert verdict(received + later) == whole


@given(st.binary(max_size=300) | st.lists(PIECES, max_size=40).map(b"".join), st.integers(0, 300))
def test_no_input_raises_anything_but_a_head_error(received: bytes, limit: int) -> None:
    whole = verdict(received, limit)

    assert first_verdict(received, limit) == whole
    if isinstance(whole, tuple):
        outcome, detail = whole
        assert outcome.status >= 400 or outcome is Outcome.NEITHER_HTTP_NOR_TLS
        assert detail.isascii()
        assert detail.isprintable()
        assert len(detail) <= 100


# Logins


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        pytest.param(b"", [], id="none"),
        pytest.param(b"Proxy-Authorization: Basic YTpi\r\n", [b"Basic YTpi"], id="one"),
        pytest.param(b"Proxy-authorization:Basic YTpi \t\r\n", [b"Basic YTpi"], id="as Java writes it"),
        pytest.param(b"proxy-authorization:\r\n", [b""], id="empty"),
        pytest.param(b"Proxy-Authorization: a\r\nX: y\r\nPROXY-AUTHORIZATION: b\r\n", [b"a", b"b"], id="two"),
        pytest.param(b"Authorization: Basic YTpi\r\n", [], id="one for the target"),
        pytest.param(b"X-Proxy-Authorization: a\r\nX: Proxy-Authorization: b\r\n", [], id="others that look like it"),
        pytest.param(b"Proxy-Authorization: \xff\r\n", [b"\xff"], id="not ASCII"),
    ],
)
def test_the_logins_of_a_head_are_kept_in_their_order_and_never_shown(fields: bytes, values: list[bytes]) -> None:
    head = read_head(LINE + fields + b"\r\n", LIMIT)

    assert head is not None
    assert [value.raw for value in head.authorization] == values
    assert "YTpi" not in repr(head)


@pytest.mark.parametrize(
    "received",
    [
        LINE + b"Proxy-Authorization : Basic YTpi\r\n",
        LINE + b"Proxy-Authorization: Basic YTpi\r\0\n",
        LINE + b"Proxy-Authorization: Basic YTpi\x00\r\n",
        LINE + b"proxy-authorization Basic YTpi\r\n",
        LINE + b"Cookie : YTpi\r\n",
        LINE + b"Proxy-Authorization: Digest username=x,\r\n response=YTpi\r\n",
        b"Proxy-Authorization: Basic YTpi\r\n",
        b"CONNECT  cucm:YTpi@tools.cisco.com:443 HTTP/1.1\r\n",
        LINE + b"Host: cucm:YTpi@tools.cisco.com\r\n\r\n",
    ],
    ids=repr,
)
def test_an_error_repeats_no_login(received: bytes) -> None:
    refused = verdict(received, LIMIT)

    assert isinstance(refused, tuple)
    assert "YTpi" not in refused[1]
