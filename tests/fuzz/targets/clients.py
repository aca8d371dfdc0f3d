"""What clients and balancers send first: request heads, PROXY headers, targets, and the protocol they begin with."""

from licensegate.allowlist.clients import client_address
from licensegate.allowlist.target import Target, TargetError, parse_authority
from licensegate.language.language import LANGUAGES, language_for
from licensegate.proxy.wire.http1 import Head, HeadError, read_head
from licensegate.proxy.wire.protocol_detection import ClientProtocol, detect_protocol
from licensegate.proxy.wire.proxy_protocol import (
    ProxyHeader,
    ProxyHeaderError,
    looks_like_proxy_header,
    read_proxy_header,
)
from licensegate.proxy.wire.via import names_us, passed_on
from licensegate.records.text import printable, without_logins
from support.h11_head import assert_h11_agrees
from support.request_heads import EVERY_HEAD, LIMIT, verdict

from ..target import FuzzTarget, assert_prefixes_agree, listed

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
V4 = SIGNATURE + b"\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb"
V6 = SIGNATURE + b"\x21\x21\0\x24" + bytes(15) + b"\7" + bytes(15) + b"\1\xdc\4\1\xbb"


def head_holds(data: bytes, outcome: Head | HeadError | None) -> None:
    """However it arrives, a head has one verdict, and h11 reads the same where it accepts it."""
    assert_prefixes_agree(verdict, data)
    for judged in range(0, len(data), max(1, len(data) // 16)):
        if verdict(data[:judged]) is not None:
            break
        assert verdict(data, LIMIT, judged) == verdict(data)
    if isinstance(outcome, HeadError):
        assert len(outcome.detail) <= 100
        assert outcome.detail.isascii()
    if not isinstance(outcome, Head):
        return
    assert outcome.size <= LIMIT
    assert data[: outcome.size].endswith((b"\n\r\n", b"\n\n"))
    assert names_us(passed_on(outcome.via, outcome.version))
    assert language_for(outcome.accept_language.decode("latin-1")) in LANGUAGES
    assert_h11_agrees(data)


def detect(data: bytes) -> ClientProtocol | None:
    """The protocol, None while undecided: as the gate asks, with at least one byte."""
    found = detect_protocol(data) if data else ClientProtocol.UNDECIDED
    return None if found is ClientProtocol.UNDECIDED else found


def proxy_verdict(data: bytes) -> ProxyHeader | str | None:
    """The header, the kind of error, or None while incomplete."""
    try:
        return read_proxy_header(data)
    except ProxyHeaderError:
        return "refused"


def proxy_header_holds(data: bytes, outcome: ProxyHeader | ProxyHeaderError | None) -> None:
    """However it arrives, a header has one verdict, and its source is an address as Python writes it."""
    assert_prefixes_agree(proxy_verdict, data)
    if isinstance(outcome, ProxyHeader):
        assert looks_like_proxy_header(data)
        assert 0 < outcome.size <= len(data)
        assert not outcome.source or str(client_address(outcome.source)) == outcome.source
        assert 0 <= outcome.source_port <= 65535


def target_holds(_data: bytes, outcome: Target | TargetError) -> None:
    """A target reads the same when it is written again."""
    if isinstance(outcome, TargetError):
        assert len(str(outcome)) <= 80
        assert str(outcome).isascii()
        return
    assert parse_authority(str(outcome).encode()) == outcome
    assert outcome.host.isascii()
    assert outcome.host == outcome.host.lower()
    assert 0 < outcome.port <= 65535


def shown(data: bytes) -> None:
    """What the gate shows of bytes from outside is printable ASCII, and bounded."""
    for text in (printable(data, 200), without_logins(data, 200)):
        assert len(text) <= 200
        assert text.isascii()
        assert text.isprintable()


TARGETS = (
    FuzzTarget(
        name="request-head",
        read=lambda data: read_head(data, LIMIT),
        refuses=(HeadError,),
        holds=head_holds,
        seeds=tuple(head for head in EVERY_HEAD.values() if len(head) <= 2 * LIMIT),
        words=listed(r"""
            \r\n \n \r \n\n \x20 \t : \x00 \xff , ;q=0. CONNECT\x20 GET\x20/\x20 tools.cisco.com:443
            \x20HTTP/1.1\r\n HTTP/1.0 HTTP/2.0 [::1]:443 Host:\x20tools.cisco.com:443\r\n
            Via:\x201.1\x20a\r\n User-Agent:\x20a\r\n Accept-Language:\x20ja\r\n
            Proxy-Authorization:\x20Basic\x20YTpi\r\n Content-Length:\x200\r\n
            Transfer-Encoding:\x20chunked\r\n
            """),
        largest=2 * LIMIT,
    ),
    FuzzTarget(
        name="first-bytes",
        read=detect,
        holds=lambda data, _: assert_prefixes_agree(detect, data),
        seeds=(
            b"CONNECT a:443 HTTP/1.1\r\n",
            b"\r\n\r\nGET /",
            b"\x16\x03\x01\x02\0\1",
            b"\x80\x2e\1\3\1",
            V4,
            b"PROXY TCP4 ",
        ),
        words=(*listed(r"\r \n \x16\x03 \x80.\x01 PROXY CONNECT"), SIGNATURE, SIGNATURE[:5]),
        largest=64,
    ),
    FuzzTarget(
        name="proxy-header",
        read=read_proxy_header,
        refuses=(ProxyHeaderError,),
        holds=proxy_header_holds,
        seeds=(
            b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nCONNECT",
            b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n",
            b"PROXY TCP6 ::ffff:192.0.2.7 ::1 0 2\r\n",
            b"PROXY UNKNOWN\r\n",
            b"PROXY UNKNOWN a b\r\n",
            V4,
            V6,
            SIGNATURE + b"\x20\0\0\0",
            V4[:15] + b"\x10" + V4[16:] + b"\4\0\1\0",
            V4[:15] + b"\x13" + V4[16:] + b"\3\0\4" + bytes(4),
            V4[:13] + b"\x31\0\0",
        ),
        words=(
            *listed(r"""
            PROXY\x20TCP4\x20 PROXY\x20TCP6\x20 PROXY\x20UNKNOWN \x20 \r\n 65535 0 00 :: !\x11\x00\x0c
            !!\x00$ \x20\x00\x00\x00 \x03\x00\x04 \xff\xff ffff:
            """),
            SIGNATURE,
        ),
        largest=700,
    ),
    FuzzTarget(
        name="target",
        read=parse_authority,
        refuses=(TargetError,),
        holds=target_holds,
        seeds=(
            b"tools.cisco.com:443",
            b"Tools.Cisco.COM.:443",
            b"[2001:db8::1]:443",
            b"[::ffff:192.0.2.1]:443",
            b"1.2.3.4:1",
            b"https://tools.cisco.com/its",
            b"user:pw@host:443",
            b"xn--mnchen-3ya.example:443",
            b"[fe80::1%eth0]:443",
            b"0x7f.1:443",
            b"a_b.example:65535",
            b"a..b:443",
            b"tools.cisco.com:0443",
            b"-a.example:443",
        ),
        words=(*listed(r":443 : . [ ] :: ffff: xn-- // @ % - _ 127.1 0x"), b"a" * 63),
        largest=300,
    ),
    FuzzTarget(
        name="shown-text",
        read=shown,
        seeds=(
            b"GET /?password=a HTTP/1.1",
            b"Basic YTpi",
            b"http://user:secret@host/",
            b"\x1b[2J\xc3\xa9\xe2\x80\xae",
            b"a\\x00",
        ),
        words=listed(r"\\ \x1b[ \xe2\x80\xae Basic\x20 Authorization:\x20 :// @ : password="),
    ),
)
