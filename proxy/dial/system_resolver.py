"""Asks the system for a name's addresses: /etc/hosts first, then getaddrinfo for the absolute name. Blocks.

A search list (resolv.conf(5)) could lead an allowed name elsewhere: with `search corp.example.net` and `ndots:5`, as in
every Kubernetes pod, getaddrinfo asks for tools.cisco.com.corp.example.net before tools.cisco.com. The final dot of an
absolute name switches that off. It also keeps getaddrinfo from finding the name in /etc/hosts, which is therefore read
here. A name of one label, which no wildcard rule covers, is asked as it is.
"""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from socket import AddressFamily
from typing import Final

from licensegate.files.read import read_whole
from licensegate.records.outcome import Outcome

from .dual_stack import host_has_ipv6, look_up_both, look_up_ipv4
from .hosts_file import addresses_in
from .resolution import Resolution, Resolved, Unresolved

HOSTS: Final = Path("/etc/hosts")

_HOSTS_BYTES: Final = 1 << 26
_NO_HOSTS: Final = frozenset({errno.ENOENT, errno.EACCES, errno.EPERM, errno.EINVAL})  # EINVAL: /dev/null, for one
_OUTCOME_OF_ERROR: Final = {
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME): Outcome.DNS_EMPTY,
    socket.EAI_NONAME: Outcome.DNS_NOT_FOUND,
}
"""A name without an address is told from one that does not exist only where the C library has EAI_NODATA."""


def system_look_up(name: str) -> Iterator[Resolution]:
    """Look up a normalised name, without a time limit. Yields an answer, then perhaps one with more addresses."""
    try:
        listed = addresses_in_hosts(name)
    except OSError as error:
        yield _failure(error)
        return
    if listed:
        yield Resolved(listed)
    elif host_has_ipv6():
        yield from look_up_both(name, _ask)
    else:
        yield from look_up_ipv4(name, _ask)


def addresses_in_hosts(name: str) -> tuple[str, ...]:
    """The addresses that /etc/hosts gives a normalised name. Raises OSError if an override may be missed."""
    return addresses_in(_read_hosts(), name)


def absolute(name: str) -> str:
    """How to ask for a name without the search list; a name of one label may use it."""
    return f"{name}." if "." in name else name


def _read_hosts() -> bytes:
    """The content of /etc/hosts; empty where there is none to read. Raises OSError if an override may be missed."""
    try:
        return read_whole(HOSTS, _HOSTS_BYTES)
    except OSError as error:
        if error.errno in _NO_HOSTS:
            return b""
        raise


def _ask(name: str, family: AddressFamily) -> Resolution:
    try:
        found = socket.getaddrinfo(absolute(name).encode("ascii"), None, family=family, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        outcome = _OUTCOME_OF_ERROR.get(error.errno or 0)
        return _failure(error) if outcome is None else Unresolved(outcome)
    except OSError as error:
        return _failure(error)
    return Resolved(tuple(dict.fromkeys(str(address[0]) for *_, address in found)))


def _failure(error: OSError) -> Unresolved:
    return Unresolved(Outcome.DNS_FAILED, error.strerror or "unknown error")
