"""Known attacks on proxies, and assertions for tests of them.

Each row is a target or a head that could bypass the allowlist, or that two parsers could read differently (request
smuggling), with the status and outcome of the refusal.
"""

from collections.abc import Mapping
from typing import Any

from support.licensing_exchange import TARGET
from support.raw_client import CONNECT
from support.standin import StandIn

NOT_HTTP = {
    "a bare CR first": b"\r" + CONNECT,
    "a blank first": b" " + CONNECT,
    "SOCKS 5": b"\x05\x01\x00",
    "SOCKS 4": b"\x04\x01\x01\xbb\x7f\x00\x00\x01\x00",
    "NULs": bytes(64),
    "UTF-16": CONNECT.decode().encode("utf-16"),
    "a TLS record of data": b"\x17\x03\x03\x00\x05hello",
}
"""First bytes of protocols that the gate does not serve."""

OTHER_FIRST_LINES = {
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SSH with a comment": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "SMTP": b"EHLO client.example\r\n",
    "FTP": b"USER anonymous\r\n",
    "SIP": b"OPTIONS sip:gate.example SIP/2.0\r\n\r\n",
    "AMQP": b"AMQP\0\0\x09\x01",
    "Java's RMI": b"JRMI\0\x02K",
}
"""First lines that begin with a word, as a method does."""


MALFORMED = (400, "target_malformed")
URL = (400, "target_is_url")
ADDRESS = (403, "target_is_address")
DENIED = (403, "target_not_allowed")
HEAD = (400, "head_malformed")
HOST = (400, "host_malformed")
BODY = (400, "body_not_allowed")
METHOD = (405, "method_not_allowed")
VERSION = (505, "version_not_supported")
TOO_LARGE = (431, "head_too_large")

TARGETS: dict[str, tuple[bytes, tuple[int, str]]] = {
    # Names
    "two final dots": (b"tools.cisco.com..:443", MALFORMED),
    "a leading dot": (b".tools.cisco.com:443", MALFORMED),
    "an empty label": (b"tools..cisco.com:443", MALFORMED),
    "only a dot": (b".:443", MALFORMED),
    "no name": (b":443", MALFORMED),
    "a suffix of another name": (b"eviltools.cisco.com:443", DENIED),
    "a prefix of another name": (b"tools.cisco.com.evil.example:443", DENIED),
    "the parent domain": (b"cisco.com:443", DENIED),
    "a subdomain": (b"x.tools.cisco.com:443", DENIED),
    "a wildcard": (b"*.cisco.com:443", MALFORMED),
    "a look-alike in UTF-8": ("t\u043e\u043els.cisco.com:443".encode(), MALFORMED),
    "a look-alike in Latin-1": (b"t\xf6ols.cisco.com:443", MALFORMED),
    "a full-width dot": ("tools\uff0ecisco.com:443".encode(), MALFORMED),
    "a look-alike in punycode": (b"xn--tls-jbca.cisco.com:443", DENIED),
    "a percent-encoded dot": (b"tools%2ecisco.com:443", MALFORMED),
    "a percent-encoded NUL": (b"tools.cisco.com%00.evil.example:443", MALFORMED),
    "a NUL": (b"tools.cisco.com\0.evil.example:443", HEAD),
    "a CR": (b"tools.cisco.com\r.evil.example:443", HEAD),
    "an LF": (b"tools.cisco.com\n.evil.example:443", VERSION),
    "a DEL": (b"tools.cisco.com\x7f:443", HEAD),
    "an allowed name as user information": (b"tools.cisco.com@evil.example:443", MALFORMED),
    "user information before an allowed name": (b"evil@tools.cisco.com:443", MALFORMED),
    "user and password": (b"tools.cisco.com:443@evil.example:443", MALFORMED),
    "a fragment": (b"tools.cisco.com#evil.example:443", MALFORMED),
    "a query": (b"tools.cisco.com?x:443", MALFORMED),
    "a backslash": (b"evil.example\\tools.cisco.com:443", MALFORMED),
    "a comma": (b"tools.cisco.com,evil.example:443", MALFORMED),
    "a label over 63 characters": (b"x" * 64 + b".cisco.com:443", MALFORMED),
    "a name over 253 characters": (b"x." * 126 + b"cisco:443", MALFORMED),
    # Addresses
    "an IPv4 address": (b"72.163.4.38:443", ADDRESS),
    "loopback": (b"127.0.0.1:443", ADDRESS),
    "IPv4 in hexadecimal": (b"0x7f.1:443", MALFORMED),
    "IPv4 as one hexadecimal number": (b"0x7f000001:443", MALFORMED),
    "IPv4 with a hexadecimal end": (b"127.0.0.0x1:443", MALFORMED),
    "IPv4 as one decimal number": (b"2130706433:443", MALFORMED),
    "IPv4 in two parts": (b"127.1:443", MALFORMED),
    "IPv4 in octal": (b"0177.0.0.1:443", MALFORMED),
    "IPv4 out of range": (b"256.0.0.1:443", MALFORMED),
    "IPv6": (b"[::1]:443", ADDRESS),
    "IPv4-mapped IPv6": (b"[::ffff:127.0.0.1]:443", ADDRESS),
    "IPv6 with a zone": (b"[fe80::1%eth0]:443", MALFORMED),
    "IPv6 with an encoded zone": (b"[fe80::1%25eth0]:443", MALFORMED),
    "IPv6 without brackets": (b"::1:443", MALFORMED),
    "IPv6 with one bracket": (b"[::1:443", MALFORMED),
    "a name in brackets": (b"[tools.cisco.com]:443", MALFORMED),
    "an IPv4 address in brackets": (b"[127.0.0.1]:443", MALFORMED),
    "a future address": (b"[v1.x]:443", MALFORMED),
    # Ports
    "no port": (b"tools.cisco.com", MALFORMED),
    "an empty port": (b"tools.cisco.com:", MALFORMED),
    "port 0": (b"tools.cisco.com:0", MALFORMED),
    "port 65536": (b"tools.cisco.com:65536", MALFORMED),
    "port 443 plus 65536": (b"tools.cisco.com:65979", MALFORMED),
    "a port of six digits": (b"tools.cisco.com:100443", MALFORMED),
    "a port with a plus": (b"tools.cisco.com:+443", MALFORMED),
    "a port with a minus": (b"tools.cisco.com:-443", MALFORMED),
    "a port with a blank": (b"tools.cisco.com: 443", HEAD),
    "a port with a tab": (b"tools.cisco.com:\t443", HEAD),
    "a port with a letter": (b"tools.cisco.com:443x", MALFORMED),
    "a port with a leading zero": (b"tools.cisco.com:0443", MALFORMED),
    "a port in hexadecimal": (b"tools.cisco.com:0x1bb", MALFORMED),
    "a port with an underscore": (b"tools.cisco.com:4_43", MALFORMED),
    "a port in full-width digits": ("tools.cisco.com:\uff14\uff14\uff13".encode(), MALFORMED),
    "a port by name": (b"tools.cisco.com:https", MALFORMED),
    "two ports": (b"tools.cisco.com:443:443", MALFORMED),
    "only a port": (b"443", MALFORMED),
    "another port": (b"tools.cisco.com:22", (403, "target_port_not_allowed")),
    # URLs
    "a URL": (b"https://tools.cisco.com:443/", URL),
    "a URL without a scheme": (b"//tools.cisco.com:443", URL),
    "a path": (b"tools.cisco.com:443/its", URL),
    "an asterisk": (b"*", MALFORMED),
}


def connect(target: bytes) -> bytes:
    return b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + TARGET.encode() + b"\r\n\r\n"


def with_field(line: bytes) -> bytes:
    return f"CONNECT {TARGET} HTTP/1.1\r\n".encode() + line + b"\r\n\r\n"


HEADS: dict[str, tuple[bytes, tuple[int, str]]] = {
    # Two different hosts
    "a Host that is allowed beside a target that is not": (
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: tools.cisco.com:443\r\n\r\n",
        DENIED,
    ),
    "two Hosts": (with_field(b"Host: tools.cisco.com\r\nHost: evil.example"), HOST),
    "two Hosts that agree": (with_field(b"Host: tools.cisco.com\r\nhost: tools.cisco.com"), HOST),
    "a Host with a blank": (with_field(b"Host: tools.cisco.com evil.example"), HOST),
    "a Host with user information": (with_field(b"Host: evil@tools.cisco.com"), HOST),
    "a Host with a slash": (with_field(b"Host: tools.cisco.com/evil.example"), HOST),
    "a Host in UTF-8": (with_field("Host: t\u043e\u043els.cisco.com".encode()), HOST),
    # Where the head ends
    "a folded field": (with_field(b"X-Folded: one\r\n two"), HEAD),
    "a field folded by a tab": (with_field(b"X-Folded: one\r\n\ttwo"), HEAD),
    "a field folded behind a bare LF": (with_field(b"X-Folded: one\n two"), HEAD),
    "two empty lines first": (b"\r\n\r\n" + CONNECT, HEAD),
    "two empty lines of bare LFs first": (b"\n\n" + CONNECT, HEAD),
    "a bare CR in a field": (with_field(b"X-First: one\rX-Second: two"), HEAD),
    "a NUL in a field": (with_field(b"X-First: one\0two"), HEAD),
    "an escape sequence in a field": (with_field(b"User-Agent: \x1b[2J"), HEAD),
    "a blank before the colon": (with_field(b"Host : tools.cisco.com"), HEAD),
    "a blank before the name": (f"CONNECT {TARGET} HTTP/1.1\r\n Host: x\r\n\r\n".encode(), HEAD),
    "a field without a name": (with_field(b": tools.cisco.com"), HEAD),
    "a field without a colon": (with_field(b"Host"), HEAD),
    "a field name in UTF-8": (with_field("H\u043est: tools.cisco.com".encode()), HEAD),
    # The request line
    "two blanks": (CONNECT.replace(b"CONNECT ", b"CONNECT  "), HEAD),
    "two blanks before the version": (CONNECT.replace(b" HTTP", b"  HTTP"), HEAD),
    "a blank after the version": (CONNECT.replace(b"1.1\r", b"1.1 \r"), HEAD),
    "a tab for a blank": (CONNECT.replace(b"CONNECT ", b"CONNECT\t"), HEAD),
    "a version in lower case": (CONNECT.replace(b"HTTP", b"http"), HEAD),
    "no target, so that HTTP/1.1 stands in its place": (b"CONNECT HTTP/1.1\r\n\r\n", HEAD),
    "HTTP/0.9": (f"CONNECT {TARGET}\r\n\r\n".encode(), VERSION),
    "HTTP/1.10": (CONNECT.replace(b"1.1", b"1.10"), VERSION),
    "HTTP/2.0": (CONNECT.replace(b"1.1", b"2.0"), VERSION),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION),
    "a method in lower case": (CONNECT.replace(b"CONNECT", b"connect"), METHOD),
    "another method": (
        b"GET http://tools.cisco.com/ HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n",
        (405, "http_without_tunnel"),
    ),
    "a request to the gate itself": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", METHOD),
    # A body that only one of two parsers sees
    "a length": (with_field(b"Content-Length: 1"), BODY),
    "a length of zero, with a plus": (with_field(b"Content-Length: +0"), BODY),
    "two lengths": (with_field(b"Content-Length: 0\r\nContent-Length: 5"), BODY),
    "a list of lengths": (with_field(b"Content-Length: 0, 5"), BODY),
    "a negative length": (with_field(b"Content-Length: -1"), BODY),
    "chunks": (with_field(b"Transfer-Encoding: chunked"), BODY),
    "chunks and a length of zero": (with_field(b"Content-Length: 0\r\nTransfer-Encoding: chunked"), BODY),
    "an identity coding": (with_field(b"transfer-encoding: identity"), BODY),
    # Size
    "a mebibyte of fields": (with_field(b"X-Filler: " + b"x" * (1 << 20)), TOO_LARGE),
    "ten thousand fields": (with_field(b"X: y\r\n" * 10_000 + b"X: y"), TOO_LARGE),
    "a target without end": (connect(b"x" * 100_000), (414, "request_line_too_long")),
    # A second request, if the first is parsed differently
    "a second request after a refused one": (connect(b"evil.example:443") + CONNECT, DENIED),
    "a second request in place of a body": (
        with_field(f"Content-Length: {len(CONNECT)}".encode()) + CONNECT,
        BODY,
    ),
}

ATTACKS = {name: (connect(target), expected) for name, (target, expected) in TARGETS.items()} | HEADS
INSIDE_TLS = ATTACKS | {name: (sent, HEAD) for name, sent in (NOT_HTTP | OTHER_FIRST_LINES).items()}
"""Those that have an answer, in the clear and inside TLS to the gate."""


def assert_nothing_dialled(record: Mapping[str, Any], standin: StandIn) -> None:
    """No name was resolved and no connection was made."""
    assert not record.keys() & {"addresses", "attempts", "upstream", "resolve_ms", "dial_ms"}
    assert standin.connections == 0
