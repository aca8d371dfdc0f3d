"""The target of a client: one host and port, normalised once and compared exactly afterwards.

The target of a CONNECT is in the authority-form of RFC 9112 section 3.2.3: host and port as in RFC 3986 section 3.2,
the port always present (RFC 9110 section 9.3.6). Hosts in the settings are parsed the same way, and may also be
internationalised (IDNA by UTS 46) or a wildcard. A normalised name is ASCII, lower case, without a final dot; a
normalised address is as Python's `ipaddress` writes it.

Never resolves a name and leaves nothing to a resolver's guess: text that `inet_aton` would read as an IPv4 address
(`0x7f.1`, RFC 3986 section 7.4) must be a canonical dotted quad.
"""

import enum
import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from licensegate.records.text import redacted

_NAME_CHARACTERS = 253  # 255 octets on the wire, RFC 1035 section 2.3.4, minus the first length byte and the root's
_LABEL_CHARACTERS = 63  # RFC 1035 section 2.3.4
_SHOWN_CHARACTERS = 40  # of untrusted text in an error

_PORT = re.compile(r"[1-9][0-9]{0,4}")
_STRAY = re.compile(r"[^A-Za-z0-9_.-]")


class TargetFault(enum.StrEnum):
    """What is wrong with a target: it is malformed, or a URL."""

    MALFORMED = "malformed"
    URL = "url"


class TargetError(ValueError):
    """The text is not a target.

    `str()` is one short phrase, safe to log: at most 80 ASCII characters, untrusted text quoted and escaped.
    """

    def __init__(self, phrase: str, fault: TargetFault = TargetFault.MALFORMED) -> None:
        super().__init__(phrase)
        self.fault = fault


class Target(Struct, frozen=True, cache_hash=True):
    """A host and a port to connect to; `host` is normalised; an IPv6 address has no brackets."""

    host: str
    port: int

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address rather than a name."""
        return is_address(self.host)

    @property
    def domains_above(self) -> Iterator[str]:
        """The parent domains of the name, longest first; none for an address."""
        if self.is_address:
            return
        domain = self.host
        while domain := domain.partition(".")[2]:
            yield domain

    @property
    def rule_hosts(self) -> list[str]:
        """The hosts of rules that cover it: its own, then wildcards, the longest domain first."""
        return [self.host, *(f"*.{domain}" for domain in self.domains_above)]

    @lru_cache(maxsize=1024)  # noqa: B019  records share one text; what it keeps alive is small
    def __str__(self) -> str:
        return authority(self.host, self.port)


def authority(host: str, port: int) -> str:
    """Return host and port as in a URL (RFC 3986 section 3.2), an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_address(host: str) -> bool:
    """Return whether a normalised host is an IP address: the last label of a name is never all digits."""
    return ":" in host or host.rpartition(".")[2].isdigit()


# The keys are small: only accepted targets are cached, and these are short.
@lru_cache(maxsize=1024)
def parse_authority(raw: bytes) -> Target:
    """Parse the target of a CONNECT. Raises TargetError."""
    text = raw.decode("latin-1")  # every byte becomes a character; invalid ones are rejected below
    _refuse_url(text)
    if "@" in text:
        raise TargetError("a login (user:password@) stands before the host")
    host, colon, port = text.rpartition(":")
    if not colon or not port or port.endswith("]"):
        raise TargetError(f"no port in {_shown(text)}")
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise TargetError(f"port {_shown(port)} is not 1 to 65535 in plain digits")
    if host.startswith("[") and host.endswith("]"):
        return Target(_ipv6(host[1:-1]), int(port))
    if ":" in host:
        raise TargetError(f"IPv6 address without brackets: {_shown(text)}")
    return Target(_name(host), int(port))


def parse_host(text: str, *, wildcard: bool = False) -> str:
    """Parse a host from the settings and return its normal form. Raises TargetError.

    An IPv6 address may have brackets. With `wildcard`, `*.example.com` is accepted too: the domain must have at least
    two labels, so that no rule opens a whole top-level domain (public suffixes are not known here: `*.co.uk` is
    accepted).
    """
    _refuse_url(text)
    if text.startswith("*"):
        return _wildcard(text, allowed=wildcard)
    if not text.isascii():
        text = _to_ascii(text)
    if text.count(":") == 1:  # an IPv6 address has at least two
        raise TargetError(f"a host must not have a port here: {_shown(text)}")
    if ":" in text:
        return _ipv6(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    return _name(text)


def _wildcard(text: str, *, allowed: bool) -> str:
    if not allowed:
        raise TargetError(f"a wildcard is not allowed here: {_shown(text)}")
    if not text.startswith("*."):
        raise TargetError(f"a wildcard is *.example.com, not {_shown(text)}")
    domain = parse_host(text[2:])
    if is_address(domain):
        raise TargetError(f"a wildcard cannot match addresses: {_shown(text)}")
    if "." not in domain:
        raise TargetError(f"a wildcard needs two labels after it: {_shown(text)}")
    return f"*.{domain}"


def _name(text: str) -> str:
    """Normalise a host name or a dotted quad."""
    if stray := _STRAY.search(text):
        raise TargetError(f"{stray[0]!a} in the host {_shown(text)}")
    name = text.removesuffix(".").lower()
    if not name:
        raise TargetError("no host")
    if len(name) > _NAME_CHARACTERS:
        raise TargetError(f"name over {_NAME_CHARACTERS} characters: {_shown(text)}")
    for label in name.split("."):
        if not label:
            raise TargetError(f"empty label in {_shown(text)}")
        if len(label) > _LABEL_CHARACTERS:
            raise TargetError(f"label over {_LABEL_CHARACTERS} characters: {_shown(label)}")
        if label.startswith("-") or label.endswith("-"):
            raise TargetError(f"hyphen at the edge of {_shown(label)}")
    if label.isdigit() or label.startswith("0x"):
        return _dotted_quad(name)
    return name


def _dotted_quad(name: str) -> str:
    try:
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        raise TargetError(f"not a dotted quad: {_shown(name)}") from None


def _ipv6(text: str) -> str:
    """Normalise an IPv6 address; an IPv4-mapped one (RFC 4291 section 2.5.5.2) becomes the IPv4 address."""
    if "%" in text:
        raise TargetError(f"zone id in the address {_shown(text)}")
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise TargetError(f"not an IPv6 address: {_shown(text)}") from None
    return str(address.ipv4_mapped or address)


def _to_ascii(text: str) -> str:
    """Map an internationalised name by UTS 46 (non-transitional) and encode it by IDNA 2008 (RFC 5891)."""
    import idna  # 10 ms and a large table, for the few settings that need it

    try:
        labels = idna.uts46_remap(text, std3_rules=False).split(".")
        # A label of ASCII follows the rule of every other name, which allows what IDNA does not: _ssm, a--b.
        return ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels)
    except UnicodeError:
        raise TargetError(f"not an internationalised name: {_shown(text)}") from None


def _refuse_url(text: str) -> None:
    if "/" in text:
        raise TargetError(f"{_shown(text)} is a URL or a path", TargetFault.URL)


def _shown(text: str) -> str:
    """Quote untrusted text for an error: printable ASCII, bounded, without a login."""
    text = redacted(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")
    shown = ascii(text[:_SHOWN_CHARACTERS])
    if len(text) <= _SHOWN_CHARACTERS and len(shown) <= _SHOWN_CHARACTERS:
        return shown
    return f"{shown[: _SHOWN_CHARACTERS - 3]}..."
