"""What counts as a target, and what is refused before the allowlist is consulted."""

import ipaddress
import string
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from licensegate.allowlist.target import Target, TargetError, TargetFault, parse_authority, parse_host
from support.work import is_quick

LONGEST_LABEL = "a" * 63
LONGEST_NAME = ".".join([LONGEST_LABEL] * 3 + ["b" * 61])  # 253 characters

ACCEPTED = {
    "plain": (b"tools.cisco.com:443", "tools.cisco.com", 443),
    "upper case": (b"TOOLS.Cisco.COM:443", "tools.cisco.com", 443),
    "trailing dot": (b"tools.cisco.com.:443", "tools.cisco.com", 443),
    "underscore": (b"_ssm.my_lab.example:8443", "_ssm.my_lab.example", 8443),
    "single label": (b"satellite:443", "satellite", 443),
    "hyphens inside": (b"a--b.c-d.example:443", "a--b.c-d.example", 443),
    "punycode": (b"xn--bcher-kva.example:443", "xn--bcher-kva.example", 443),
    "digits in all labels but the last": (b"1.2.3.4.example:443", "1.2.3.4.example", 443),
    "last label of letters and digits": (b"10.0.0.1a:443", "10.0.0.1a", 443),
    "0x in a label that is not the last": (b"0x7f.1.example:443", "0x7f.1.example", 443),
    "longest label": (f"{LONGEST_LABEL}.example:443".encode(), f"{LONGEST_LABEL}.example", 443),
    "longest name": (f"{LONGEST_NAME}:443".encode(), LONGEST_NAME, 443),
    "longest name and its dot": (f"{LONGEST_NAME}.:443".encode(), LONGEST_NAME, 443),
    "lowest port": (b"tools.cisco.com:1", "tools.cisco.com", 1),
    "highest port": (b"tools.cisco.com:65535", "tools.cisco.com", 65535),
    "dotted quad": (b"192.0.2.1:443", "192.0.2.1", 443),
    "dotted quad with a dot": (b"192.0.2.1.:443", "192.0.2.1", 443),
    "IPv6": (b"[2001:DB8:0:0:0:0:0:1]:443", "2001:db8::1", 443),
    "IPv6 loopback": (b"[::1]:443", "::1", 443),
    "IPv4-mapped, dotted": (b"[::ffff:127.0.0.1]:443", "127.0.0.1", 443),
    "IPv4-mapped, hexadecimal": (b"[::FFFF:7f00:1]:443", "127.0.0.1", 443),
    "IPv4-compatible": (b"[::127.0.0.1]:443", "::7f00:1", 443),
}

MALFORMED = {
    "nothing": (b"", "no port in ''"),
    "port missing": (b"tools.cisco.com", "no port in 'tools.cisco.com'"),
    "port empty": (b"tools.cisco.com:", "no port in 'tools.cisco.com:'"),
    "IPv6 without a port": (b"[::1]", "no port in '[::1]'"),
    "port 0": (b"tools.cisco.com:0", "port '0' is not 1 to 65535 in plain digits"),
    "port 65536": (b"tools.cisco.com:65536", "port '65536' is not 1 to 65535 in plain digits"),
    "port of six digits": (b"tools.cisco.com:100443", "port '100443' is not 1 to 65535 in plain digits"),
    "port with a sign": (b"tools.cisco.com:+443", "port '+443' is not 1 to 65535 in plain digits"),
    "port negative": (b"tools.cisco.com:-1", "port '-1' is not 1 to 65535 in plain digits"),
    "blank before the port": (b"tools.cisco.com: 443", "port ' 443' is not 1 to 65535 in plain digits"),
    "blank after the port": (b"tools.cisco.com:443 ", "port '443 ' is not 1 to 65535 in plain digits"),
    "line feed after the port": (b"tools.cisco.com:443\n", r"port '443\n' is not 1 to 65535 in plain digits"),
    "letter after the port": (b"tools.cisco.com:443x", "port '443x' is not 1 to 65535 in plain digits"),
    "leading zero": (b"tools.cisco.com:0443", "port '0443' is not 1 to 65535 in plain digits"),
    "underscore in the port": (b"tools.cisco.com:4_43", "port '4_43' is not 1 to 65535 in plain digits"),
    "hexadecimal port": (b"tools.cisco.com:0x1bb", "port '0x1bb' is not 1 to 65535 in plain digits"),
    "superscript digit": (b"tools.cisco.com:\xb2", r"port '\xb2' is not 1 to 65535 in plain digits"),
    "two ports": (b"tools.cisco.com:443:443", "IPv6 address without brackets: 'tools.cisco.com:443:443'"),
    "host missing": (b":443", "no host"),
    "dot alone": (b".:443", "no host"),
    "two trailing dots": (b"tools.cisco.com..:443", "empty label in 'tools.cisco.com..'"),
    "leading dot": (b".cisco.com:443", "empty label in '.cisco.com'"),
    "empty label": (b"tools..cisco.com:443", "empty label in 'tools..cisco.com'"),
    "label of 64": (b"a" * 64 + b".example:443", f"label over 63 characters: '{'a' * 36}..."),
    "name of 254": (f"a{LONGEST_NAME}:443".encode(), f"name over 253 characters: '{'a' * 36}..."),
    "leading hyphen": (b"-tools.cisco.com:443", "hyphen at the edge of '-tools'"),
    "trailing hyphen": (b"tools.cisco-.com:443", "hyphen at the edge of 'cisco-'"),
    "percent-encoding": (b"tools%2ecisco.com:443", "'%' in the host 'tools%2ecisco.com'"),
    "userinfo": (b"tools.cisco.com@evil.example:443", "a login (user:password@) stands before the host"),
    "user and password": (b"a:b@evil.example:443", "a login (user:password@) stands before the host"),
    "NUL": (b"tools.cisco.com\x00.evil.example:443", r"'\x00' in the host 'tools.cisco.com\x00.evil.example'"),
    "CR and LF": (b"tools.cisco.com\r\nX:443", r"'\r' in the host 'tools.cisco.com\r\nX'"),
    "line feed at the end": (b"tools.cisco.com\n:443", r"'\n' in the host 'tools.cisco.com\n'"),
    "tab": (b"tools\t.cisco.com:443", r"'\t' in the host 'tools\t.cisco.com'"),
    "blank before": (b" tools.cisco.com:443", "' ' in the host ' tools.cisco.com'"),
    "blank after": (b"tools.cisco.com :443", "' ' in the host 'tools.cisco.com '"),
    "asterisk": (b"*.cisco.com:443", "'*' in the host '*.cisco.com'"),
    "query": (b"tools.cisco.com?x:443", "'?' in the host 'tools.cisco.com?...'"),
    "fragment": (b"tools.cisco.com#x:443", "'#' in the host 'tools.cisco.com#x'"),
    "backslash": (b"evil.example\\.cisco.com:443", r"'\\' in the host 'evil.example\\.cisco.com'"),
    "UTF-8": ("tööls.cisco.com:443".encode(), r"'\xc3' in the host 't\xc3\xb6\xc3\xb6ls.cisco.com'"),
    "UTF-8 full stop": ("tools。cisco.com:443".encode(), r"'\xe3' in the host 'tools\xe3\x80\x82cisco.com'"),
    "hexadecimal IPv4": (b"0x7f.1:443", "not a dotted quad: '0x7f.1'"),
    "hexadecimal last label": (b"127.0.0.0x1:443", "not a dotted quad: '127.0.0.0x1'"),
    "hexadecimal in upper case": (b"127.0X1:443", "not a dotted quad: '127.0x1'"),
    "bare 0x": (b"127.0x:443", "not a dotted quad: '127.0x'"),
    "IPv4 as one number": (b"2130706433:443", "not a dotted quad: '2130706433'"),
    "short IPv4": (b"127.1:443", "not a dotted quad: '127.1'"),
    "octal IPv4": (b"0177.0.0.1:443", "not a dotted quad: '0177.0.0.1'"),
    "leading zero in IPv4": (b"127.0.0.01:443", "not a dotted quad: '127.0.0.01'"),
    "five parts": (b"1.2.3.4.5:443", "not a dotted quad: '1.2.3.4.5'"),
    "part over 255": (b"1.2.3.256:443", "not a dotted quad: '1.2.3.256'"),
    "name with a last label of digits": (b"tools.cisco.1:443", "not a dotted quad: 'tools.cisco.1'"),
    "IPv6 without brackets": (b"2001:db8::1:443", "IPv6 address without brackets: '2001:db8::1:443'"),
    "zone id": (b"[fe80::1%eth0]:443", "zone id in the address 'fe80::1%eth0'"),
    "encoded zone id": (b"[fe80::1%25eth0]:443", "zone id in the address 'fe80::1%25eth0'"),
    "IPv4 in brackets": (b"[127.0.0.1]:443", "not an IPv6 address: '127.0.0.1'"),
    "name in brackets": (b"[tools.cisco.com]:443", "not an IPv6 address: 'tools.cisco.com'"),
    "empty brackets": (b"[]:443", "not an IPv6 address: ''"),
    "IPvFuture": (b"[v1.a]:443", "not an IPv6 address: 'v1.a'"),
    "bracket left open": (b"[::1:443", "IPv6 address without brackets: '[::1:443'"),
    "text after the bracket": (b"[::1]x:443", "IPv6 address without brackets: '[::1]x:443'"),
}

URLS = {
    "http": b"http://tools.cisco.com:443",
    "https": b"https://tools.cisco.com/",
    "path after the port": b"tools.cisco.com:443/its/service",
    "slash after the port": b"tools.cisco.com:443/",
    "path alone": b"/its/service/oddce/services/DDCEService",
}


def table(cases: Mapping[str, object]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


@table(ACCEPTED)
def test_target_is_normalised(case: tuple[bytes, str, int]) -> None:
    raw, host, port = case
    assert parse_authority(raw) == Target(host, port)


@table(MALFORMED)
def test_malformed_target_is_refused_with_the_reason(case: tuple[bytes, str]) -> None:
    raw, phrase = case
    with pytest.raises(TargetError) as caught:
        parse_authority(raw)
    assert (caught.value.fault, str(caught.value)) == (TargetFault.MALFORMED, phrase)


@table(URLS)
def test_a_url_is_distinguished_from_a_malformed_target(case: bytes) -> None:
    with pytest.raises(TargetError) as caught:
        parse_authority(case)
    assert caught.value.fault is TargetFault.URL
    assert "is a URL or a path" in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "written", "is_address"),
    [
        (b"TOOLS.cisco.com.:443", "tools.cisco.com:443", False),
        (b"1.2.3.4.example:443", "1.2.3.4.example:443", False),
        (b"192.0.2.1:80", "192.0.2.1:80", True),
        (b"[2001:DB8::1]:80", "[2001:db8::1]:80", True),
        (b"[::ffff:192.0.2.1]:80", "192.0.2.1:80", True),
    ],
)
def test_text_of_a_target_is_its_authority(raw: bytes, written: str, is_address: bool) -> None:
    target = parse_authority(raw)
    assert (str(target), target.is_address) == (written, is_address)


def test_same_bytes_give_the_same_target() -> None:
    assert parse_authority(b"tools.cisco.com:443") is parse_authority(b"tools.cisco.com:443")


def test_refusals_are_not_cached() -> None:
    before = parse_authority.cache_info().currsize
    for number in range(50):
        with pytest.raises(TargetError):
            parse_authority(b"x" * 4000 + b"%d" % number)
    assert parse_authority.cache_info().currsize == before


HOSTS = {
    "name": ("SSM.Example.NET", "ssm.example.net"),
    "trailing dot": ("ssm.example.net.", "ssm.example.net"),
    "international name": ("Bücher.example", "xn--bcher-kva.example"),
    "sharp s is kept, as UTS 46 non-transitional says": ("straße.example", "xn--strae-oqa.example"),
    "full-width letters and full stop": ("\uff54\uff4fols\u3002cisco.com", "tools.cisco.com"),
    "Kelvin sign": ("\N{KELVIN SIGN}.example", "k.example"),
    "full-width digits are an address": ("\uff11\uff19\uff12.0.2.1", "192.0.2.1"),
    "underscore beside an international label": ("_ssm.bücher.example.", "_ssm.xn--bcher-kva.example"),
    "two hyphens beside an international label": ("ab--c.bücher.example", "ab--c.xn--bcher-kva.example"),
    "ideographic full stop at the end": ("bücher.example\u3002", "xn--bcher-kva.example"),
    "IPv4": ("192.0.2.1", "192.0.2.1"),
    "IPv6": ("2001:DB8::1", "2001:db8::1"),
    "IPv6 in brackets": ("[2001:db8::1]", "2001:db8::1"),
    "IPv4-mapped": ("::ffff:192.0.2.1", "192.0.2.1"),
}

WILDCARDS = {
    "domain": ("*.Example.COM", "*.example.com"),
    "trailing dot": ("*.example.com.", "*.example.com"),
    "international domain": ("*.bücher.example", "*.xn--bcher-kva.example"),
}

UNUSABLE_HOSTS = {
    "nothing": ("", "no host"),
    "with a port": ("ssm.example.net:443", "a host must not have a port here: 'ssm.example.net:443'"),
    "IPv6 with a port": ("[::1]:443", "not an IPv6 address: '[::1]:443'"),
    "half a bracket": ("[2001:db8::1", "not an IPv6 address: '[2001:db8::1'"),
    "zone id": ("fe80::1%eth0", "zone id in the address 'fe80::1%eth0'"),
    "two trailing dots": ("ssm.example.net..", "empty label in 'ssm.example.net..'"),
    "international name with two trailing dots": ("bücher.example..", "empty label in 'xn--bcher-kva.example..'"),
    "long international label": ("ü" * 60 + ".a", "not an internationalised name: '" + r"\xfc" * 9 + "..."),
    "URL": ("https://ssm.example.net/", "'https://ssm.example.net/' is a URL or a path"),
    "blank": (" ssm.example.net", "' ' in the host ' ssm.example.net'"),
    "symbol": ("☃.example", r"not an internationalised name: '\u2603.example'"),
    "full-width solidus": ("a\uff0fb.example", "'/' in the host 'a/b.example'"),
    "full-width hexadecimal": ("\uff10x7f.1", "not a dotted quad: '0x7f.1'"),
    "lone surrogate": ("\ud800.example", r"not an internationalised name: '\ud800.example'"),
    "every host": ("*", "a wildcard is *.example.com, not '*'"),
    "wildcard without a dot": ("*example.com", "a wildcard is *.example.com, not '*example.com'"),
    "wildcard below a top-level domain": ("*.com", "a wildcard needs two labels after it: '*.com'"),
    "wildcard below nothing": ("*.", "no host"),
    "two wildcards": ("*.*.example.com", "a wildcard is not allowed here: '*.example.com'"),
    "wildcard inside": ("a.*.example.com", "'*' in the host 'a.*.example.com'"),
    "wildcard over IPv4": ("*.192.0.2.1", "a wildcard cannot match addresses: '*.192.0.2.1'"),
    "wildcard over IPv6": ("*.2001:db8::1", "a wildcard cannot match addresses: '*.2001:db8::1'"),
}


@table(HOSTS | WILDCARDS)
def test_host_in_the_settings_is_normalised(case: tuple[str, str]) -> None:
    text, host = case
    assert parse_host(text, wildcard=True) == host


@table(WILDCARDS)
def test_wildcard_is_refused_unless_asked_for(case: tuple[str, str]) -> None:
    with pytest.raises(TargetError, match="a wildcard is not allowed here"):
        parse_host(case[0])


@table(UNUSABLE_HOSTS)
def test_invalid_host_in_the_settings_is_refused_with_the_reason(case: tuple[str, str]) -> None:
    text, phrase = case
    with pytest.raises(TargetError) as caught:
        parse_host(text, wildcard=True)
    assert str(caught.value) == phrase
    assert caught.value.fault is (TargetFault.URL if "/" in text else TargetFault.MALFORMED)


pieces = st.sampled_from(["tools", "cisco", "com", ".", ":", "443", "[", "]", "::1", "0x7f", "-", "%", "@", "xn--"])
almost_targets = st.lists(pieces, max_size=12).map("".join)
label = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=63)
ports = st.integers(1, 65535)


def assert_short_and_safe(flaw: str) -> None:
    assert flaw.isascii()
    assert flaw.isprintable()
    assert len(flaw) <= 80


def test_target_as_long_as_a_head_is_refused_at_once() -> None:
    """The time grows with the length, not with its square."""

    def refuse() -> None:
        with pytest.raises(TargetError):
            parse_authority(b"x" * 65536)

    assert is_quick(refuse, 0.1)


@given(st.binary(max_size=400) | almost_targets.map(str.encode))
@example(b"\xff" * 300 + b":443")
def test_any_bytes_give_a_normalised_target_or_a_short_safe_error(raw: bytes) -> None:
    try:
        target = parse_authority(raw)
    except TargetError as error:
        flaw = str(error)
    else:
        flaw = ""
        assert parse_authority(str(target).encode()) == target
        assert target.host == target.host.lower()
        assert 1 <= target.port <= 65535
    assert_short_and_safe(flaw)


@given(st.text(max_size=80) | almost_targets, st.booleans())
def test_any_text_gives_a_normalised_host_or_a_short_safe_error(text: str, wildcard: bool) -> None:
    try:
        host = parse_host(text, wildcard=wildcard)
    except TargetError as error:
        flaw = str(error)
    else:
        flaw = ""
        assert parse_host(host, wildcard=wildcard) == host
        assert host.isascii()
    assert_short_and_safe(flaw)


@given(st.lists(label, min_size=1, max_size=6).map(".".join), ports)
def test_settings_and_clients_agree_on_names(name: str, port: int) -> None:
    try:
        host = parse_host(name)
    except TargetError:
        with pytest.raises(TargetError):
            parse_authority(f"{name}:{port}".encode())
    else:
        assert parse_authority(f"{name}:{port}".encode()) == Target(host, port)


@given(st.ip_addresses(), ports)
def test_every_address_is_parsed_as_itself(address: IPv4Address | IPv6Address, port: int) -> None:
    target = parse_authority((f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}").encode())
    assert ipaddress.ip_address(target.host) == (getattr(address, "ipv4_mapped", None) or address)
    assert target.is_address
    assert parse_host(str(address)) == target.host
