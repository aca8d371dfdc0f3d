"""Reads hosts(5): lines of an address and its names. Bytes in, values out."""

import contextlib
import ipaddress
from collections.abc import Iterator


def addresses_in(content: bytes, name: str) -> tuple[str, ...]:
    """The addresses that a hosts file gives a normalised name, in the file's order; those of all its lines count.

    What glibc skips is skipped: comments, and lines whose first word is no address. An IPv4-mapped IPv6 address is the
    IPv4 one (RFC 4291 section 2.5.5.2).
    """
    wanted = name.encode("ascii")
    content = content.lower()
    if wanted not in content:  # nearly always, and a file of blocked names may be large
        return ()
    return tuple(dict.fromkeys(_addresses(content, wanted)))


def _addresses(content: bytes, wanted: bytes) -> Iterator[str]:
    for line in content.split(b"\n"):
        if wanted not in line:
            continue
        address, *names = line.partition(b"#")[0].split() or [b""]
        if any(name.removesuffix(b".") == wanted for name in names):
            with contextlib.suppress(ValueError):
                yield _normal(address.decode("latin-1"))


def _normal(text: str) -> str:
    """Raises ValueError if it is no address, or one with a zone id, which the dialer does not know."""
    if "%" in text:
        raise ValueError(text)
    address = ipaddress.ip_address(text)
    return str(getattr(address, "ipv4_mapped", None) or address)
