"""A CONNECT to a parent proxy and its response."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from licensegate.proxy.parent.protocol.challenges import Challenge
from licensegate.proxy.parent.protocol.connect_response import (
    BODY_BYTES,
    HEAD_BYTES,
    ConnectResponse,
    ConnectResponseError,
    body_size,
    connect_request,
    read_connect_response,
)

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nServer: squid/5.7\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n"
    b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\nno!\r\n"
)
CHALLENGED = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Digest realm="r", nonce="n"\r\nproxy-authenticate: Basic realm="r"\r\n'
    b"Transfer-Encoding: chunked\r\n\r\n"
)
VIA = "1.1 licensegate-0123"


def answer_to(received: bytes) -> ConnectResponse:
    answer = read_connect_response(received)
    assert answer is not None
    return answer


def test_a_request_has_target_and_via_and_nothing_of_the_client() -> None:
    assert connect_request("tools.cisco.com:443", VIA, "LicenseGate/1.0") == (
        b"CONNECT tools.cisco.com:443 HTTP/1.1\r\n"
        b"Host: tools.cisco.com:443\r\n"
        b"User-Agent: LicenseGate/1.0\r\n"
        b"Via: 1.1 licensegate-0123\r\n"
        b"Proxy-Connection: Keep-Alive\r\n"
        b"\r\n"
    )


def test_credentials_are_sent_in_proxy_authorization() -> None:
    assert b"\r\nProxy-Authorization: Basic eA==\r\n\r\n" in connect_request("host:1", VIA, "x", "Basic eA==")


@pytest.mark.parametrize(
    "head",
    [
        ESTABLISHED,
        b"HTTP/1.0 200 Connection established\r\n\r\n",
        b"HTTP/1.1 200 \r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nServer:\r\nX: \xff\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\n\n",
        b"HTTP/1.1 200 OK\nServer: x\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nServer: x\n\r\n",
        b"HTTP/1.0 200 OK\r\nServer: x\r\n\n",
        b"HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=[
        "as usual",
        "HTTP/1.0",
        "no reason",
        "no blank",
        "another 2xx",
        "HTTP/1.2",
        "bare LFs",
        "a bare LF first",
        "a bare LF later",
        "a bare LF last",
        "bare LFs after an interim answer",
        "with a length",
        "after interim answers",
    ],
)
def test_a_2xx_opens_the_tunnel_and_ends_with_its_head(head: bytes) -> None:
    answer = answer_to(head + b"SSH-2.0-x\r\n\r\n")

    assert answer.opens_tunnel
    assert answer.size == len(head)


@pytest.mark.parametrize("received", [ESTABLISHED, DENIED, CHALLENGED], ids=["200", "403", "407"])
def test_a_response_reads_the_same_in_any_pieces(received: bytes) -> None:
    answer = answer_to(received)

    for end in range(answer.size):
        assert read_connect_response(received[:end]) is None
    for end in range(answer.size, len(received) + 1):
        assert read_connect_response(received[:end]) == answer


@pytest.mark.parametrize("received", [ESTABLISHED, DENIED, CHALLENGED], ids=["200", "403", "407"])
def test_bare_line_feeds_in_a_head_change_nothing_but_its_size(received: bytes) -> None:
    answer = answer_to(received)
    bare = received[: answer.size].replace(b"\r\n", b"\n")

    assert answer_to(bare + received[answer.size :]) == structs.replace(answer, size=len(bare))
    assert [read_connect_response(bare[:end]) for end in range(len(bare))] == [None] * len(bare)


def test_a_refusal_has_status_reason_and_server() -> None:
    answer = answer_to(DENIED)

    assert (answer.status, answer.opens_tunnel) == (403, False)
    assert answer.reason == "Forbidden; ERR_ACCESS_DENIED 0"
    assert answer.server == "squid/5.7"


def test_via_names_the_server_if_no_server_field_does() -> None:
    assert answer_to(b"HTTP/1.1 502 no\r\nVia: 1.1 a\r\nVia: 1.1 b\r\n\r\n").server == "1.1 a, 1.1 b"


def test_reason_and_server_are_printable_and_short() -> None:
    answer = answer_to(b"HTTP/1.1 403 \x85\xff" + b"x" * 9000 + b"\r\nServer: \xe9\t" + b"y" * 9000 + b"\r\n\r\n")

    for text in (answer.reason, answer.server):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) <= 200


@pytest.mark.parametrize(
    "received",
    [
        b"HTTP/1.1 403 No Basic c2VjcmV0 here\r\n\r\n",
        b"HTTP/1.1 403 x\r\nX-Squid-Error: ERR http://svc:secret@proxy/\r\nServer: box token=secret\r\n\r\n",
        b"HTTP/1.1 403 x\r\nVia: 1.1 svc:secret@box\r\n\r\n",
    ],
    ids=["reason", "other fields", "via"],
)
def test_reason_and_server_contain_no_login(received: bytes) -> None:
    answer = answer_to(received)
    shown = f"{answer.reason} {answer.server}"
    assert "..." in shown
    assert "secret" not in shown
    assert "c2VjcmV0" not in shown


def test_the_start_of_a_wrong_answer_is_shown_without_logins() -> None:
    with pytest.raises(ConnectResponseError, match=re.escape("it begins with Proxy-Authenticate: x; token=...")):
        read_connect_response(b"Proxy-Authenticate: x; token=secret\r\n\r\n")


def test_a_loop_is_read_from_proxy_status() -> None:
    looped = b'HTTP/1.1 502 proxy_loop\r\nProxy-Status: licensegate; error=proxy_loop_detected; details="x"\r\n\r\n'

    assert answer_to(looped).loop_detected
    assert not answer_to(DENIED).loop_detected


@pytest.mark.parametrize(
    ("status", "field", "offered"),
    [
        (b"407", b"Proxy-", ["digest", "basic"]),
        (b"407", b"WWW-", []),
        (b"401", b"Proxy-", ["digest", "basic"]),
        (b"401", b"WWW-", ["digest", "basic"]),
        (b"403", b"Proxy-", []),
    ],
)
def test_challenges_are_read_from_all_fields_of_a_407_or_401(status: bytes, field: bytes, offered: list[str]) -> None:
    response = re.sub(b"(?i)Proxy-(?=Authenticate:)", field, CHALLENGED.replace(b"407", status))

    assert [challenge.scheme for challenge in answer_to(response).challenges] == offered


def test_a_proxys_challenge_in_a_401_goes_before_a_servers() -> None:
    fields = b"WWW-Authenticate: NTLM\r\nProxy-Authenticate: Basic\r\n"

    assert answer_to(b"HTTP/1.1 401 x\r\n" + fields + b"\r\n").challenges == (Challenge("basic"),)


@pytest.mark.parametrize(
    ("received", "keeps"),
    [
        (b"HTTP/1.1 407 x\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 407 x\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (b"HTTP/1.1 407 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.1 407 x\r\nContent-Length: 0\r\nProxy-Connection: x, Close\r\n\r\n", False),
        (b"HTTP/1.0 407 x\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 407 x\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", True),
        (b"HTTP/1.0 407 x\r\nContent-Length: 0\r\nProxy-Connection: keep-alive\r\n\r\n", True),
        (b"HTTP/1.1 407 x\r\n\r\n", False),
        (b"HTTP/1.1 407 x\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", False),
        (b"HTTP/1.1 407 x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 407 x\r\nContent-Length: -1\r\n\r\n", False),
        (b"HTTP/1.1 407 x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", False),
        (b"HTTP/1.1 407 x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", False),
    ],
)
def test_a_connection_is_kept_if_response_and_body_allow_it(received: bytes, keeps: bool) -> None:
    assert answer_to(received).keeps_alive is keeps


@pytest.mark.parametrize(
    "received",
    [
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"<html>",
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.10 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 020 OK\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nname : value\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\n folded\n\n",
        b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nhello",
    ],
)
def test_bytes_that_are_no_http_response_are_refused(received: bytes) -> None:
    with pytest.raises(ConnectResponseError) as refused:
        read_connect_response(received)

    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


def test_a_head_longer_than_the_limit_is_refused() -> None:
    line = b"HTTP/1.1 200 OK\r\n"
    padding = b"x" * (HEAD_BYTES - len(line) - 7)
    longest = line + b"X: " + padding + b"\r\n\r\n"
    assert answer_to(longest).size == HEAD_BYTES

    longer = longest.replace(b"X: ", b"X: y")
    for received in (longer, longer[:-4] + b"yyyy"):
        with pytest.raises(ConnectResponseError, match="longer"):
            read_connect_response(received)


def test_interim_responses_are_limited() -> None:
    with pytest.raises(ConnectResponseError, match="longer"):
        read_connect_response(b"HTTP/1.1 100 Continue\r\n\r\n" * 4000)


@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 200", b"HTTP/1.1 407 x\r\nA: b\r\n"]))
def test_any_bytes_are_read_refused_or_incomplete(rest: bytes, start: bytes) -> None:
    try:
        answer = read_connect_response(start + rest)
    except ConnectResponseError:
        return
    assert answer is None or answer.size <= len(start + rest)


CHUNKED = answer_to(CHALLENGED)


@pytest.mark.parametrize(
    "body",
    [
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"A;name=value\r\n0123456789\r\n00\r\nTrailer: x\r\n\r\n",
        b"2 ; x\r\n\r\n\r\n0\r\n\r\n",
    ],
    ids=["empty", "one chunk", "extension and trailer", "line ends as data"],
)
def test_a_chunked_body_ends_at_the_same_byte_in_any_pieces(body: bytes) -> None:
    for end in range(len(body)):
        assert body_size(CHUNKED, body[:end]) is None
    assert body_size(CHUNKED, body) == len(body)
    assert body_size(CHUNKED, body + b"HTTP/1.1") == len(body)


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\n",
        b"-1\r\n",
        b"\r\n",
        b"5\r\nhelloworld\r\n",
        b"123456789\r\n",
        b"FFFFFFF\r\n",
        b"1" * 9000,
        b"0\r\nno trailer\r\n\r\n",
        b"0\r\n" + b"a: b\r\n" * 5000,
        b"1000\r\n" + b"x" * 4096 + b"\r\n" + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 64,
    ],
)
def test_an_invalid_chunked_body_is_refused(body: bytes) -> None:
    with pytest.raises(ConnectResponseError):
        body_size(CHUNKED, body)


def test_a_body_with_a_length_is_incomplete_until_all_is_there() -> None:
    answer = answer_to(DENIED)

    assert body_size(answer, b"no!\r") is None
    assert body_size(answer, b"no!\r\n") == 5
    assert body_size(answer, b"no!\r\nHTTP") == 5


@pytest.mark.parametrize("length", [b"", b"Content-Length: %d\r\n" % (BODY_BYTES + 1)], ids=["without end", "too long"])
def test_a_body_that_is_endless_or_too_long_is_refused(length: bytes) -> None:
    with pytest.raises(ConnectResponseError):
        body_size(answer_to(b"HTTP/1.1 407 x\r\n" + length + b"\r\n"), b"")


@given(st.binary(max_size=60))
def test_any_chunked_body_is_sized_refused_or_incomplete(body: bytes) -> None:
    try:
        size = body_size(CHUNKED, body)
    except ConnectResponseError:
        return
    assert size is None or size <= len(body)


@pytest.mark.parametrize(
    ("status", "location", "host"),
    [
        (302, b"https://login.example.net/portal?next=x", "login.example.net"),
        (307, b"http://user:secret@portal.example:8080/", "portal.example"),
        (302, b"//portal.example", "portal.example"),
        (302, b"https://[2001:db8::1]:8443/", "[2001:db8::1]"),
        (302, b"/login", ""),
        (302, b"", ""),
        (403, b"https://login.example.net/", ""),
    ],
)
def test_a_redirection_names_its_host_only(status: int, location: bytes, host: str) -> None:
    answer = answer_to(b"HTTP/1.1 %d x\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location))
    assert answer.location == host
