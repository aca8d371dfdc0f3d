"""Addresses, networks and hosts as operators type them.

Each reader raises ValueError with a message that continues after the text: "is not a network; write one like ...".
"""

import contextlib
import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from licensegate.allowlist.client_networks import Network
from licensegate.allowlist.target import TargetError, authority, parse_host
from licensegate.proxy.dial.settings import ConnectTo
from licensegate.proxy.settings import ListenAddress

_ENDPOINT: Final = r"(\[[^\[\]]*\]|[^:\[\]]*):(0|[1-9][0-9]{0,4})"
_LISTEN: Final = re.compile(_ENDPOINT)
_CONNECT_TO: Final = re.compile(f"{_ENDPOINT}:{_ENDPOINT}")
_AUTHORITY: Final = r"(\[[^\]/]*\]|[^:/?#\[\]]*)(?::([0-9]*))?"
_URL: Final = re.compile(rf"(?:[a-zA-Z]+://)?(?:[^/@]*@)?{_AUTHORITY}(?:[/?#].*)?")
_PARENT: Final = re.compile(f"((?i:https?))://{_ENDPOINT}/?")

_SERVER: Final = re.compile(r"(\[[^\[\]]*\]|[^:/?#@\[\]]*)(?::([0-9]{1,5}))?/?")

_SCHEME: Final = re.compile(r"^[a-zA-Z]+://")
_USUAL_PORT: Final = "3128"
_SPOKEN_HOSTS: Final = {"": "0.0.0.0", "*": "0.0.0.0", "any": "0.0.0.0", "localhost": "127.0.0.1"}
_LISTEN_FORM: Final = 'write IP:PORT, like "0.0.0.0:3128" or "[::]:3128"'
_ALL_NETWORKS: Final = ("*", "any", "all", "everyone")
_BROADCAST: Final = IPv4Address("255.255.255.255")
_PARENT_FORM: Final = 'write http://HOST:PORT or https://HOST:PORT, like "http://proxy.example.net:8080", or "direct"'
_CONNECT_TO_FORM: Final = 'write HOST:PORT:IP:PORT, like "tools.cisco.com:443:192.0.2.1:443", IPv6 in brackets'


def read_listen(text: str) -> ListenAddress:
    """Read `IP:PORT`, IPv6 in brackets. Port 0 lets the system choose a free one, for tests."""
    try:
        return _listen_address(text)
    except ValueError as error:
        raise ValueError(f"{error}; {_listen_meant(text)}") from None


def _listen_address(text: str) -> ListenAddress:
    parts = _LISTEN.fullmatch(text)
    if parts is None:
        raise ValueError("is not an address with a port")
    host, port = parts.groups()
    return ListenAddress(_bracketed_ip(host), _port(port, lowest=0))


def _listen_meant(text: str) -> str:
    """What to write in place of what other proxies take: a port alone, an address alone, `*:3128`, a URL."""
    bare = _SCHEME.sub("", text.strip()).rstrip("/")
    host, _, port = bare.rpartition(":")
    for name, number in ((host, port), (bare, _USUAL_PORT)):
        with contextlib.suppress(ValueError):
            address = ip_address(_SPOKEN_HOSTS.get(name.lower(), name).strip("[]"))
            plain = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
            return f'write "{_listen_address(authority(str(plain), int(number)))}"'
    return _LISTEN_FORM


def read_network(text: str) -> Network:
    """Read a network of client addresses, `10.0.0.0/8`; a single address is a network of one."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"is not a network; {_networks_meant(text)}") from None
    if "%" in text:
        raise ValueError("has a zone, which is not supported here; remove it, from the % on")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= 96:
        plain = f"{network.network_address.ipv4_mapped}/{network.prefixlen - 96}"
        raise ValueError(f'is for IPv4 clients, which are matched by their IPv4 address; write "{plain}"')
    if ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f'is an address inside a network; write "{network}", or the address alone')
    return network


def _networks_meant(text: str) -> str:
    """What to write in place of several networks in one text, or of a word for all of them."""
    if text.strip().lower() in _ALL_NETWORKS:
        return 'write "0.0.0.0/0" and "::/0" for all clients'
    for parts in ([re.sub(r"\s", "", text)], re.split(r"[\s,;]+", text.strip())):
        with contextlib.suppress(ValueError):
            return "write " + ", ".join(f'"{ip_network(part)}"' for part in parts)
    return 'write one like "10.0.0.0/8" or "fd00::/8"'


def read_connect_to(text: str) -> ConnectTo:
    """Read `HOST:PORT:IP:PORT`, like curl's `--connect-to` with an IP address in the second half."""
    parts = _CONNECT_TO.fullmatch(text)
    if parts is None:
        raise ValueError(f"is not an address for a target; {_CONNECT_TO_FORM}")
    host, port, address, address_port = parts.groups()
    try:
        return ConnectTo(read_host(host), _port(port), _bracketed_ip(address), _port(address_port))
    except _PartError as error:
        raise ValueError(f"{error}; {_CONNECT_TO_FORM}") from None


def read_parent_url(text: str) -> tuple[bool, str, int]:
    """Read the URL of a proxy. Returns whether it uses TLS, its host and its port."""
    if "@" in text:
        raise ValueError("has a login in it; set username and password_file instead")
    parts = _PARENT.fullmatch(text)
    if parts is None:
        meant = f"http://{text}"
        is_meant = meant.isprintable() and _PARENT.fullmatch(meant)
        raise ValueError(f"is not the URL of a proxy; {f'write {meant}' if is_meant else _PARENT_FORM}")
    scheme, host, port = parts.groups()
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return scheme.lower() == "https", read_host(bare) if bare == host else _bracketed_ip(host), _port(port)
    except _PartError as error:
        raise ValueError(f"{error}; {_PARENT_FORM}") from None


def read_syslog_server(text: str, default_port: int) -> tuple[str, int]:
    """Read `HOST` or `HOST:PORT` of a server, IPv6 in brackets."""
    parts = _SERVER.fullmatch(text)
    if parts is None or not parts[1]:
        raise ValueError("is not the address of a syslog server")
    bare = parts[1].removeprefix("[").removesuffix("]")
    host = read_host(bare) if bare == parts[1] else _bracketed_ip(parts[1])
    return host, default_port if parts[2] is None else _port(parts[2])


def read_ip(text: str) -> str:
    """Read the IP address of one host and return it as Python writes it."""
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError('is not an IP address; write one like "192.0.2.1" or "2001:db8::1"') from None
    if fault := _fault(address):
        raise ValueError(f"{fault}; name another one")
    return str(address)


def _fault(address: IPv4Address | IPv6Address) -> str:
    """Why this is not the address of one host that a socket can be bound to; empty if it is."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return f"is the IPv4 address {address.ipv4_mapped} in the form of IPv6"
    if isinstance(address, IPv6Address) and (address.is_link_local or address.scope_id):
        return "is a link-local address, which needs a zone, and zones are not supported"
    if address.is_multicast or address == _BROADCAST:
        return "is a multicast or broadcast address, not that of one host"
    return ""


def read_host(text: str, *, wildcard: bool = False) -> str:
    """Read the host of a target and return its normal form; with `wildcard`, `*.example.com` is taken too."""
    try:
        return parse_host(text, wildcard=wildcard)
    except TargetError as error:
        raise ValueError(f"is not a host: {error}; {_host_meant(text, wildcard=wildcard)}") from None


def read_rule_host(text: str) -> str:
    """Read the host of a rule, which may be a wildcard."""
    return read_host(text, wildcard=True)


def _host_meant(text: str, *, wildcard: bool) -> str:
    """What to write in place of a text that only has something around a host: a URL, a port, a leading dot or star."""
    with contextlib.suppress(ValueError):
        ip_network(text, strict=False)
        return "write the address or the name of one host"
    url = _URL.fullmatch(text.strip())
    bare, port = (url[1], url[2]) if url else (text.strip(), "")
    domain = bare.lstrip("*." if wildcard else ".")
    alone = () if wildcard and bare.startswith("*") else (domain,)  # "*.net" does not mean "net"
    for host in (f"*.{domain}" if wildcard and bare != domain else bare, *alone):
        try:
            parse_host(host, wildcard=wildcard)
        except TargetError:
            continue
        if host != text and host.isprintable():
            return f'write host = "{host}" and port = {port}' if port and wildcard else f'write "{host}"'
    return 'write a name, like "ssm.example.net"'


class _PartError(ValueError):
    """What is wrong with the address or the port in a text, without a remedy."""


def _bracketed_ip(text: str) -> str:
    """Read the IP address in a text, IPv6 in brackets. Raises _PartError."""
    bare = text.removeprefix("[").removesuffix("]")
    try:
        address = ip_address(bare)
    except ValueError:
        raise _PartError("has a host that is not an IP address") from None
    if fault := _fault(address):
        raise _PartError(f"has a host that {fault}")
    if (bare != text) != (address.version == 6):
        raise _PartError("has brackets around IPv4")
    return str(address)


def _port(text: str, *, lowest: int = 1) -> int:
    port = int(text)
    if not lowest <= port <= 65535:
        raise _PartError(f"has the port {port}, which is not from 1 to 65535")
    return port
