"""What a parent proxy answers: responses, challenges, and the tokens in them."""

import base64
import re

from licensegate.proxy.parent.protocol.challenges import Challenge, read_challenges
from licensegate.proxy.parent.protocol.connect_response import (
    HEAD_BYTES,
    ConnectResponse,
    ConnectResponseError,
    body_size,
    connect_request,
    read_connect_response,
)
from licensegate.proxy.parent.protocol.digest import credentials, is_stale, strength
from licensegate.proxy.parent.protocol.ntlm import NtlmLogin
from licensegate.proxy.parent.protocol.password import PasswordError, read_password
from licensegate.proxy.parent.protocol.scheme import LoginFailedError, LoginRefusedError
from licensegate.proxy.parent.protocol.tokens import describe_token
from licensegate.proxy.wire.http1 import Head, read_head

from ..target import FuzzTarget, assert_prefixes_agree, listed

_NO_FIELD = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")
OK = b"HTTP/1.1 200 Connection established\r\n\r\n"
DENIED = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid/6.6\r\nX-Squid-Error: ERR_CACHE_ACCESS_DENIED 0\r\n"
    b'Proxy-Authenticate: NTLM\r\nProxy-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256\r\n'
    b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"
)
CHUNKED = (
    b"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\nVia: 1.1 a\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\n"
)
NTLM_CHALLENGE = (
    b"NTLMSSP\0\2\0\0\0\x08\0\x08\0\x38\0\0\0\x05\x82\x89\xa2\1\2\3\4\5\6\7\x08" + bytes(8) + b"\x1c\0\x1c\0\x40\0\0\0"
    b"\x0a\0\x61\x4a\0\0\0\x0fC\0O\0R\0P\0\2\0\x08\0C\0O\0R\0P\0\1\0\x08\0H\0O\0S\0T\0\0\0\0\0"
)


def answer(received: bytes) -> tuple[ConnectResponse | None, int | None]:
    """The response, and the size of its body, None while either is incomplete."""
    response = read_connect_response(received)
    if response is None or response.opens_tunnel:
        return response, None
    return response, body_size(response, received[response.size :])


def response_verdict(received: bytes) -> ConnectResponse | str | None:
    """The response, "refused", or None while incomplete."""
    try:
        return read_connect_response(received)
    except ConnectResponseError:
        return "refused"


def response_holds(received: bytes, _outcome: object) -> None:
    """However it arrives, a head has one verdict, and what is shown of it is printable and no longer than a line."""
    assert_prefixes_agree(response_verdict, received)
    response = response_verdict(received)
    if isinstance(response, ConnectResponse):
        assert response.size <= HEAD_BYTES
        assert 100 <= response.status <= 999
        assert all(text.isprintable() for text in (response.reason, response.server, response.location))
        for challenge in response.challenges:
            assert_answer_injects_nothing(challenge)


def challenges(value: bytes) -> tuple[Challenge, ...]:
    """The challenges in field values, each a line, without the bytes that no field of a response has."""
    return read_challenges(_NO_FIELD.sub(b"", line) for line in value.split(b"\n"))


def challenges_hold(_value: bytes, found: tuple[Challenge, ...]) -> None:
    for challenge in found:
        assert challenge.scheme == challenge.scheme.lower()
        assert_answer_injects_nothing(challenge)


def assert_answer_injects_nothing(challenge: Challenge) -> None:
    """Whatever a challenge says, our request to the parent has the fields that we wrote and no other."""
    is_stale(challenge)
    if strength(challenge) is None:
        return
    login = credentials(challenge, "svc", "secret", "tools.cisco.com:443", "c0ffee")
    head = read_head(connect_request("tools.cisco.com:443", "1.1 gate", "LicenseGate", login), HEAD_BYTES)
    assert isinstance(head, Head)
    assert head.fields == ("Host", "User-Agent", "Via", "Proxy-Connection", "Proxy-Authorization")
    assert len(head.authorization) == 1


def ntlm(token: bytes) -> str:
    """Our answer to an NTLM challenge of these bytes."""
    describe_token(token)
    login = NtlmLogin("CORP\\svc", "secret", "proxy.example")
    login.answer(None)
    return login.answer(Challenge("ntlm", {}, base64.b64encode(token).decode("ascii")))


def ntlm_holds(_token: bytes, outcome: str | Exception) -> None:
    """The answer is one token in base64."""
    if isinstance(outcome, str):
        assert base64.b64decode(outcome.removeprefix("NTLM "), validate=True).startswith(b"NTLMSSP\0\3")


def password_holds(_raw: bytes, outcome: str | PasswordError) -> None:
    """A password is one line."""
    assert isinstance(outcome, PasswordError) or (outcome and not set(outcome) & set("\r\n\0"))


TARGETS = (
    FuzzTarget(
        name="parent-response",
        read=answer,
        refuses=(ConnectResponseError,),
        holds=response_holds,
        seeds=(
            OK,
            OK + b"\x16\x03\x03",
            DENIED,
            CHUNKED,
            b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
            b"HTTP/1.0 200\n\n",
            b"HTTP/1.1 302 Found\r\nLocation: https://portal.example:8443/a\r\n\r\n",
            b"SSH-2.0-x\r\n",
            b"HTTP/1.1 403 No\r\nProxy-Status: edge; error=destination_not_found\r\nContent-Length: 0\r\n\r\n",
        ),
        words=listed(r"""
            HTTP/1.1\x20 HTTP/1.0\x20 200 407 101 \r\n \n \r\n\r\n :\x20 0\r\n\r\n 5\r\nhello\r\n
            Proxy-Authenticate:\x20 Content-Length:\x20 Transfer-Encoding:\x20chunked\r\n Location:\x20
            Via:\x201.1\x20a Proxy-Status:\x20 X-Squid-Error:\x20 Connection:\x20close\r\n Server:\x20a\r\n
            999999999 \xff
            """),
    ),
    FuzzTarget(
        name="challenges",
        read=challenges,
        holds=challenges_hold,
        seeds=(
            b"Negotiate\nNTLM",
            b"NTLM TlRMTVNTUAACAAAA==",
            b'Basic realm=""Proxy, Inc"", NTLM',
            b"Basic realm='a b'",
            b'Digest realm="a \\"b\\"", nonce="n/1=", qop="auth,auth-int", algorithm=MD5-sess, stale=TRUE, opaque="o"',
            b"Digest realm=r, nonce=n, charset=UTF-8, Basic realm=\xc3\xa4",
            b'Digest nonce="n", algorithm=MD5',
        ),
        words=listed(r"""
            " \\ , = \x20 \t \n Basic\x20 Digest\x20 NTLM\x20 realm= nonce="n" \x00 \r qop="auth"
            algorithm= MD5-sess SHA-256 opaque= stale=true charset=UTF-8 \x85 \xff
            """),
    ),
    FuzzTarget(
        name="ntlm-challenge",
        read=ntlm,
        refuses=(LoginFailedError, LoginRefusedError),
        holds=ntlm_holds,
        seeds=(NTLM_CHALLENGE, b"NTLMSSP\0\1\0\0\0", bytes.fromhex("606006062b0601050502"), b"\xa1\x81", b"oRQw", b""),
        words=listed(r"""
            NTLMSSP\x00 \x02\x00\x00\x00 \x03\x00\x00\x00 \xff\xff\xff\x7f \x05\x82\x89\xa2
            \x00\x00\x00\x00 \x07\x00\x08\x00
            """),
        largest=512,
    ),
    FuzzTarget(
        name="password-file",
        read=read_password,
        refuses=(PasswordError,),
        holds=password_holds,
        seeds=(b"correct horse\n", b"\xef\xbb\xbfpassw\xc3\xb6rd\r\n", b"a\nb\n", b"", b"\n"),
        words=listed(r"\n \r\n \xef\xbb\xbf \x00 \xff"),
        largest=5000,
    ),
)
