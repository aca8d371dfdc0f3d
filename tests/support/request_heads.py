"""Request heads, and what the parser says of them."""

import re

from licensegate.proxy.wire.http1 import Head, HeadError, read_head
from licensegate.proxy.wire.http_token import TOKEN
from licensegate.records.outcome import Outcome
from licensegate.records.record import HostForm
from licensegate.records.text import printable

LIMIT = 1024

LINE = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\n"

BARE = b"CONNECT tools.cisco.com:443 HTTP/1.1\n"


def accepted(
    fields: bytes = b"",
    *,
    user_agent: str = "",
    via: str = "",
    line: bytes = LINE,
    host: HostForm | None = HostForm.ABSENT,
    language: bytes = b"",
    version: str = "1.1",
    end: bytes = b"\r\n",
) -> tuple[bytes, Head]:
    method, target, _ = line.split()
    head = line + fields + end
    names = tuple(field.partition(b":")[0].decode() for field in fields.splitlines())
    if method != b"CONNECT":
        host = None
    return head, Head(
        method.decode(), target, version, user_agent, len(head), names, host, via, accept_language=language
    )


ACCEPTED = {
    "no field": accepted(),
    "HTTP/1.0": accepted(line=b"CONNECT tools.cisco.com:443 HTTP/1.0\r\n", version="1.0"),
    "HTTP/1.2, served as 1.1": accepted(line=b"CONNECT tools.cisco.com:443 HTTP/1.2\r\n"),
    "HTTP/1.9, served as 1.1": accepted(line=b"CONNECT tools.cisco.com:443 HTTP/1.9\r\n"),
    "an empty line first": accepted(line=b"\r\n" + LINE),
    "an empty line of a bare LF first": accepted(line=b"\n" + LINE),
    "a bare LF after the request line, as in Java's sample": accepted(b"User-Agent: a\r\n", line=BARE, user_agent="a"),
    "a bare LF after a field": accepted(b"A: 1\nB: 2\r\n"),
    "a bare LF for the empty line": accepted(b"A: 1\r\n", end=b"\n"),
    "bare LFs only": accepted(b"Host: tools.cisco.com\n", line=b"\n" + BARE, host=HostForm.HOST, end=b"\n"),
    "bare LFs only, without a field": accepted(line=BARE, end=b"\n"),
    "a value without a CR": accepted(b"User-Agent: curl \nVia: 1.1 a\n", user_agent="curl", via="1.1 a"),
    "a Host": accepted(b"Host: tools.cisco.com:443\r\n", host=HostForm.HOST_PORT),
    "a Host without the port, as from Java": accepted(b"Host: tools.cisco.com\r\n", host=HostForm.HOST),
    "a Host that is another": accepted(b"Host: evil.example\r\n", host=HostForm.OTHER),
    "a Host with another port": accepted(b"Host: tools.cisco.com:8443\r\n", host=HostForm.OTHER),
    "an IPv6 Host without its port": accepted(
        b"Host: [2001:db8::1]\r\n", line=b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n", host=HostForm.HOST
    ),
    "an IPv6 Host": accepted(b"Host: [2001:db8::1]:443\r\n", host=HostForm.OTHER),
    "an empty Host": accepted(b"Host:\r\n", host=HostForm.OTHER),
    "an Accept-Language": accepted(b"Accept-Language: ja, en;q=0.5\r\n", language=b", ja, en;q=0.5"),
    "two of Accept-Language": accepted(b"Accept-Language:ja\r\naccept-language:en\r\n", language=b",ja,en"),
    "a long Accept-Language": accepted(b"Accept-Language:%b\r\n" % (b"a" * 300), language=b"," + b"a" * 199),
    "a User-Agent": accepted(b"User-Agent: curl/8.5.0\r\n", user_agent="curl/8.5.0"),
    "a name in any case": accepted(b"uSER-aGENT:curl\r\n", user_agent="curl"),
    "blanks and tabs around a value": accepted(b"User-Agent: \t a b \t \r\n", user_agent="a b"),
    "two User-Agents: the last one counts": accepted(b"User-Agent: a\r\nUser-Agent: b\r\n", user_agent="b"),
    "a Via": accepted(b"Via: 1.1 edge\r\n", via="1.1 edge"),
    "two Vias, which are one list": accepted(b"Via: 1.1 a,1.0 b\r\nvia:\t1.1 c \r\n", via="1.1 a,1.0 b, 1.1 c"),
    "an empty Via": accepted(b"Via:\r\nVia: 1.1 a\r\n", via="1.1 a"),
    "a Via outside ASCII": accepted(b"Via: 1.1 \xe9\r\n", via=r"1.1 \xe9"),
    "a User-Agent outside ASCII": accepted(b"User-Agent: \xc3\xa9\r\n", user_agent=r"\xc3\xa9"),
    "a value outside ASCII": accepted(b"X: \x80\xff\r\n"),
    "an empty value": accepted(b"X:\r\n"),
    "a name of odd characters": accepted(b"!#$%&'*+-.^_`|~09azAZ: x\r\n"),
    "a length of nothing": accepted(b"Content-Length: 0\r\n"),
    "a length of nothing, twice": accepted(b"Content-Length: 0\r\nContent-Length: 0\r\n"),
    "Proxy-Connection": accepted(b"Proxy-Connection: Keep-Alive\r\n"),
    "a head of exactly the limit": accepted(b"X: " + b"x" * (LIMIT - len(LINE) - 7) + b"\r\n"),
    "another method": accepted(line=b"GET / HTTP/1.1\r\n"),
    "another method, with two Hosts and a body": accepted(
        b"Host: a\r\nHost: b\r\nContent-Length: 5\r\n", line=b"POST http://tools.cisco.com/ HTTP/1.1\r\n"
    ),
    "a method in lower case": accepted(line=b"connect tools.cisco.com:443 HTTP/1.1\r\n"),
    "an invalid target": accepted(line=b'CONNECT "\xff/\\? HTTP/1.1\r\n'),
}

Refusal = tuple[bytes, Outcome, str]


def first_byte(received: bytes) -> Refusal:
    return received, Outcome.HEAD_MALFORMED, f"its first byte is 0x{received[0]:02x}"


def line(faulty: bytes, outcome: Outcome = Outcome.HEAD_MALFORMED) -> Refusal:
    return faulty + b"\r\n\r\n", outcome, f"its first line is {printable(faulty, 60)}"


def other_protocol(said: bytes) -> Refusal:
    word = next(filter(None, re.findall(TOKEN, said)))
    shown = f"its first line {'is' if word == said else 'begins with'} {printable(word)}"
    return said + b"\r\n\r\n", Outcome.NEITHER_HTTP_NOR_TLS, shown


def binary_protocol(said: bytes, word: str) -> Refusal:
    return said, Outcome.NEITHER_HTTP_NOR_TLS, f"its first line begins with {word}"


def empty_lines(received: bytes) -> Refusal:
    return received, Outcome.HEAD_MALFORMED, "more than one empty line precedes it"


def version(unknown: bytes) -> Refusal:
    return unknown + b"\r\n\r\n", Outcome.VERSION_NOT_SUPPORTED, ""


def field(faulty: bytes, before: bytes = b"") -> Refusal:
    folded = faulty[:1] in {b" ", b"\t"}  # not shown: it may go on with a login of the line before
    shown = "is folded onto a second line" if folded else f"reads {printable(faulty, 60)}"
    return LINE + before + faulty + b"\r\n\r\n", Outcome.HEAD_MALFORMED, f"a header field {shown}"


def host(fields: bytes, detail: str) -> Refusal:
    return LINE + fields + b"\r\n\r\n", Outcome.HOST_MALFORMED, detail


def body(announced: bytes, before: bytes = b"") -> Refusal:
    return LINE + before + announced + b"\r\n\r\n", Outcome.BODY_NOT_ALLOWED, announced.decode()


def too_large(fields: bytes) -> Refusal:
    return LINE + fields, Outcome.HEAD_TOO_LARGE, ""


def too_long(received: bytes) -> Refusal:
    return received, Outcome.REQUEST_LINE_TOO_LONG, ""


REFUSED = {
    # Where the head begins
    "two empty lines first": empty_lines(b"\r\n\r\n" + LINE + b"\r\n"),
    "two empty lines of bare LFs first": empty_lines(b"\n\n" + LINE + b"\r\n"),
    "two mixed empty lines first": empty_lines(b"\n\r\n" + LINE + b"\r\n"),
    "a hundred empty lines": empty_lines(b"\r\n" * 100),
    "a bare CR first": first_byte(b"\r" + LINE + b"\r\n"),
    "a bare CR behind an empty line": (b"\r\n\r" + LINE, Outcome.HEAD_MALFORMED, "its first byte is 0x0d"),
    "TLS behind an empty line": (b"\r\n\x16\x03\x01", Outcome.HEAD_MALFORMED, "its first byte is 0x16"),
    "a blank first": first_byte(b" " + LINE + b"\r\n"),
    "a byte order mark first": first_byte(b"\xef\xbb\xbf" + LINE + b"\r\n"),
    "TLS": first_byte(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "SOCKS 5": first_byte(b"\x05\x01\x00"),
    "SOCKS 4": first_byte(b"\x04\x01\x01\xbb\x7f\x00\x00\x01\x00"),
    # First lines of other protocols
    "SSH": other_protocol(b"SSH-2.0-OpenSSH_9.2"),
    "SSH, with a comment": other_protocol(b"SSH-2.0-OpenSSH_9.2p1 Debian-2"),
    "SSH behind an empty line": (b"\n" + (ssh := other_protocol(b"SSH-2.0-x y"))[0], *ssh[1:]),
    "SMTP": other_protocol(b"EHLO mail.example"),
    "SMTP, old": other_protocol(b"HELO"),
    "FTP or POP3": other_protocol(b"USER anonymous"),
    "IMAP": other_protocol(b"a1 CAPABILITY"),
    "SIP": other_protocol(b"OPTIONS sip:gate.example SIP/2.0"),
    "RTSP": other_protocol(b"OPTIONS rtsp://gate.example/ RTSP/1.0"),
    "ICAP": other_protocol(b"REQMOD icap://gate.example/ ICAP/1.0"),
    "memcached": other_protocol(b"get key"),
    "IMAP, with a password": other_protocol(b"a1 LOGIN alice s3cret"),
    "IRC, with a password": other_protocol(b"PASS s3cret"),
    "Redis, with a password behind a tab": other_protocol(b"AUTH\ts3cret"),
    "a line with a NUL": other_protocol(b"FOO\0bar HTTP/1.1"),
    "AMQP, which ends no line": binary_protocol(b"AMQP\0\0\x09\x01", "AMQP"),
    "Java's RMI, which ends no line": binary_protocol(b"JRMI\0\x02K", "JRMI"),
    "a method before a NUL": binary_protocol(b"GET\0", "GET"),
    "words": other_protocol(b"Hello, is this a proxy?"),
    "a colon in a method without a version": other_protocol(b"CON:NECT x:443"),
    "the PROXY protocol": other_protocol(b"PROXY TCP4 10.1.2.3 10.1.2.4 40000 3128"),
    # The request line
    "a bare CR": line(LINE[:-2] + b"\r"),
    "two blanks": line(b"CONNECT  tools.cisco.com:443 HTTP/1.1"),
    "two blanks before the version": line(b"CONNECT tools.cisco.com:443  HTTP/1.1"),
    "a blank after the version": line(b"CONNECT tools.cisco.com:443 HTTP/1.1 "),
    "a tab for a blank": line(b"CONNECT\ttools.cisco.com:443 HTTP/1.1"),
    "a blank in the target": line(b"CONNECT tools.cisco.com:443 evil.example:443 HTTP/1.1"),
    "a NUL in the target": line(b"CONNECT tools.cisco.com\0:443 HTTP/1.1"),
    "a DEL in the target": line(b"CONNECT tools.cisco.com\x7f:443 HTTP/1.1"),
    "a colon in the method": line(b"CON:NECT x:443 HTTP/1.1"),
    "a method alone": line(b"CONNECT"),
    "a method and blanks": line(b"CONNECT  "),
    "a method and two blanks without a version": line(b"GET  /"),
    "a blank in the target without a version": line(b"GET /a b"),
    "no target": line(b"CONNECT HTTP/1.1"),
    "a protocol in lower case": line(b"CONNECT x:443 http/1.1"),
    "a version of letters": line(b"CONNECT x:443 HTTP/one"),
    "a version of nine characters": line(b"CONNECT x:443 HTTP/1.1111111"),
    "no version": line(b"CONNECT x:443 HTTP/"),
    "a faulty line that is long": line(b"CONNECT  " + b"x" * 500),
    # Versions
    "HTTP/0.9": version(b"CONNECT tools.cisco.com:443"),
    "HTTP/0.9 to a server": version(b"GET /"),
    "HTTP/0.9 to a proxy": version(b"get http://tools.cisco.com/"),
    "HTTP/0.9 with a bare LF": (b"GET /\n", Outcome.VERSION_NOT_SUPPORTED, ""),
    "HTTP/0.0": version(b"CONNECT tools.cisco.com:443 HTTP/0.0"),
    "HTTP/1.": version(b"CONNECT tools.cisco.com:443 HTTP/1."),
    "HTTP/1.1.1": version(b"CONNECT tools.cisco.com:443 HTTP/1.1.1"),
    "HTTP/1.10": version(b"CONNECT tools.cisco.com:443 HTTP/1.10"),
    "HTTP/01.1": version(b"CONNECT tools.cisco.com:443 HTTP/01.1"),
    "HTTP/1": version(b"CONNECT tools.cisco.com:443 HTTP/1"),
    "HTTP/2.0": version(b"CONNECT tools.cisco.com:443 HTTP/2.0"),
    "HTTP/2's preface": version(b"PRI * HTTP/2.0\r\n\r\nSM"),
    "HTTP/3.0 and a faulty field": version(b"CONNECT tools.cisco.com:443 HTTP/3.0\r\n folded"),
    # Fields
    "a folded field": field(b" two", before=b"X: one\r\n"),
    "a field folded by a tab": field(b"\ttwo", before=b"X: one\r\n"),
    "an empty line with a blank in it": field(b" "),
    "a blank before the colon": field(b"Host : x"),
    "no colon": field(b"Host"),
    "no name": field(b": x"),
    "a name outside ASCII": field(b"H\xc3\xb6st: x"),
    "a folded field after a bare LF": field(b" two", before=b"X: one\n"),
    "a bare CR in a field": field(b"A: 1\rB: 2"),
    "a bare CR at the end of a field": field(b"A: 1\r"),
    "a NUL in a field": field(b"A: 1\x002"),
    "an escape sequence in a field": field(b"A: \x1b[2J"),
    "a DEL in a field": field(b"A: \x7f"),
    # Fields that CONNECT must not have
    "two Hosts": host(b"Host: a\r\nHost: b", "there are two of them"),
    "two Hosts that agree": host(b"Host: a\r\nhost: a", "there are two of them"),
    "a Host with a blank": host(b"Host: a b", "a b is not a host"),
    "a Host with a slash": host(b"Host: a/b", "a/b is not a host"),
    "a Host with user information": host(b"Host: a:secret@b", "...@b is not a host"),
    "a Host outside ASCII": host(b"Host: \xf6", r"\xf6 is not a host"),
    "a length": body(b"Content-Length: 5"),
    "a length of 00": body(b"Content-Length: 00"),
    "a length of +0": body(b"Content-Length: +0"),
    "a length of -0": body(b"Content-Length: -0"),
    "an empty length": body(b"Content-Length:"),
    "a list of lengths": body(b"Content-Length: 0, 0"),
    "two lengths": body(b"content-length: 5", before=b"Content-Length: 0\r\n"),
    "chunks": body(b"Transfer-Encoding: chunked"),
    "chunks and a length of nothing": body(b"Transfer-Encoding: chunked", before=b"Content-Length: 0\r\n"),
    "an identity coding": body(b"transfer-encoding: identity"),
    "a transfer coding of 0": body(b"Transfer-Encoding: 0"),
    # Size
    "one byte over the limit": too_large(b"X: " + b"x" * (LIMIT - len(LINE) - 6) + b"\r\n\r\n"),
    "a mebibyte in one field": too_large(b"X: " + b"x" * (1 << 20) + b"\r\n\r\n"),
    "a mebibyte of one field's name": too_large(b"x" * (1 << 20)),
    "ten thousand fields": too_large(b"X: y\r\n" * 10_000 + b"\r\n"),
    "a fault whose LF is one byte over the limit": too_large(b"x" * (LIMIT - len(LINE)) + b"\n"),
    "a fault behind the limit": too_large(b"X: " + b"x" * LIMIT + b"\r\n folded\r\n\r\n"),
    "a target without end": too_long(b"CONNECT " + b"x" * (1 << 20)),
    "a line that ends behind the limit": too_long(b"CONNECT " + b"x" * LIMIT + b" HTTP/1.1\r\n\r\n"),
    "an LF that is one byte over the limit": too_long(b"CONNECT " + b"x" * (LIMIT - 18) + b" HTTP/1.1\r\n\r\n"),
}

INCOMPLETE = {
    "nothing": b"",
    "a letter": b"C",
    "an empty line": b"\r\n",
    "a CR that may end an empty line": b"\r",
    "a CR that may end a second empty line": b"\r\n\r",
    "a line behind an empty line": b"\r\n" + LINE,
    "a line without its LF": LINE[:-1],
    "a field and a bare LF": LINE + b"A: 1\n",
    "a field, a bare LF and a CR": LINE + b"A: 1\n\r",
    "a line": LINE,
    "a field": LINE + b"Host: tools.cisco.com\r\n",
    "a field without its LF": LINE + b"Host: tools.cisco.com\r",
    "a head without its last byte": LINE + b"Host: tools.cisco.com\r\n\r",
    "a fault whose line is not over": LINE + b"Host : tools.cisco.com\r",
    "two Hosts in a head that is not over": LINE + b"Host: a\r\nHost: b\r\n",
    "as much as the limit": LINE + b"x" * (LIMIT - len(LINE)),
    "as much of a line as the limit": b"x" * LIMIT,
}

Verdict = Head | tuple[Outcome, str] | None


def verdict(received: bytes, limit: int = LIMIT, judged: int = 0) -> Verdict:
    try:
        head = read_head(received, limit, judged)
    except HeadError as refused:
        return refused.outcome, refused.detail
    return head if head is None or head.fault is None else (head.fault.outcome, head.fault.detail)


def first_verdict(received: bytes, limit: int = LIMIT) -> Verdict:
    """The result for a head that arrives byte by byte, up to one byte over the limit."""
    for size in range(min(len(received), limit + 1) + 1):
        found = verdict(received[:size], limit)
        if found is not None:
            return found
    return None


EVERY_HEAD = (
    {name: received for name, (received, _) in ACCEPTED.items()}
    | {name: received for name, (received, *_) in REFUSED.items()}
    | INCOMPLETE
)
