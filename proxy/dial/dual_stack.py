"""Asks for the IPv4 and IPv6 addresses of a name so that neither has to wait long for the other. Blocks.

getaddrinfo asks for both in one call and orders them by RFC 6724 and gai.conf(5), but it waits for both: where a DNS
server never answers for IPv6, it takes 10 s or more. If that call is late or fails, each family is asked for by a call
of its own, and after the resolution delay of RFC 8305 section 3 one family's addresses are the answer.
"""

import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from socket import AddressFamily
from typing import Final

from msgspec import structs

from licensegate.records.outcome import Outcome

from .resolution import NO_SUCH_ADDRESS, Resolution, Resolved, Unresolved

Ask = Callable[[str, AddressFamily], Resolution]
"""Asks for one family's addresses of a name, or with AF_UNSPEC for both."""

_BOTH: Final = socket.AF_UNSPEC
_FAMILIES: Final = (socket.AF_INET6, socket.AF_INET)  # in the order of RFC 6724 section 2.1

_BOTH_SECONDS: Final = 0.5
"""How long the call for both families may take before each is asked for alone."""

_RESOLUTION_DELAY: Final = 0.05
"""How long one family's addresses wait for the other's, in seconds (RFC 8305 section 3)."""

_GRACE: Final = 2.0
"""How long a name that has no IPv4 address may still get one of IPv6, in seconds, before it counts as missing."""

_EMPTY: Final = Unresolved(Outcome.DNS_EMPTY)  # one family's says that the name exists
_NO_THREAD: Final = Unresolved(Outcome.DNS_FAILED, "no thread is left")

_IPV6_ADDRESSES: Final = Path("/proc/net/if_inet6")
_LINK_LOCAL_OR_LOOPBACK: Final = frozenset({"20", "10"})


def host_has_ipv6() -> bool:
    """Whether this host has an IPv6 address beyond loopback and link."""
    try:
        lines = _IPV6_ADDRESSES.read_text(encoding="ascii").splitlines()
    except OSError:  # IPv6 is switched off
        return False
    return any(line.split()[3] not in _LINK_LOCAL_OR_LOOPBACK for line in lines)


def look_up_both(name: str, ask: Ask) -> Iterator[Resolution]:
    """Yield the answer; before it, one that may change, if a family is late. Ends when no call is in flight."""
    calls = _Calls(name, ask)
    calls.start(_BOTH)
    calls.wait(_BOTH_SECONDS)
    if not is_complete(calls.answers):
        for family in _FAMILIES:
            calls.start(family)
    told: Resolution | None = None
    while not is_complete(calls.answers):
        found = best(calls.answers) or missing(calls.answers)
        if calls.wait(_patience(found) if told is None else None):
            continue
        told = found
        if told is not None:
            yield structs.replace(told, may_change=True)
    answer = best(calls.answers)
    if answer is not None:
        yield answer
    calls.join()


def look_up_ipv4(name: str, ask: Ask) -> Iterator[Resolution]:
    """Yield the answer for a host without IPv6: IPv6 addresses alone mean that no usable address was found."""
    answer = ask(name, socket.AF_INET)
    if _is_absent(answer):
        calls = _Calls(name, ask)
        calls.start(socket.AF_INET6)
        calls.wait(_GRACE)
        other = calls.answers.get(socket.AF_INET6)
        yield other if isinstance(other, Resolved) else answer
        calls.join()
    else:
        yield answer


def is_complete(answers: Mapping[AddressFamily, Resolution]) -> bool:
    """Whether nothing better can come. A failure of the call for both is no answer: one family's may have caused it."""
    both = answers.get(_BOTH)
    return isinstance(both, Resolved) or _is_absent(both) or all(family in answers for family in _FAMILIES)


def best(answers: Mapping[AddressFamily, Resolution]) -> Resolution | None:
    """The answer so far: the addresses of the call for both, or all that were found, or why none were."""
    both = answers.get(_BOTH)
    if isinstance(both, Resolved):
        return both
    alone = [answers[family] for family in _FAMILIES if family in answers]
    found = [address for answer in alone if isinstance(answer, Resolved) for address in answer.addresses]
    if found:
        return Resolved(tuple(found))
    if _is_absent(both):
        return both
    if len(alone) < len(_FAMILIES):
        return None
    failed = [answer for answer in alone if not _is_absent(answer)]
    return failed[0] if failed else max(alone, key=lambda answer: answer == _EMPTY)


def missing(answers: Mapping[AddressFamily, Resolution]) -> Resolution | None:
    """That the name has no IPv4 address, while nothing better is known; None otherwise.

    The same answer for IPv6 says nothing: most names have no such address, and IPv4's may only be slow.
    """
    answer = answers.get(socket.AF_INET)
    return answer if _is_absent(answer) else None


def _is_absent(answer: Resolution | None) -> bool:
    """Whether the answer is that there is no such address."""
    return isinstance(answer, Unresolved) and answer.outcome in NO_SUCH_ADDRESS


def _patience(found: Resolution | None) -> float | None:
    """How long to wait for something better than this."""
    if found is None:
        return None
    return _RESOLUTION_DELAY if isinstance(found, Resolved) else _GRACE


class _Calls:
    """The calls for one name, each in a daemon thread, and their answers so far."""

    def __init__(self, name: str, ask: Ask) -> None:
        self._name = name
        self._ask = ask
        self._arrived: queue.SimpleQueue[tuple[AddressFamily, Resolution]] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.answers: dict[AddressFamily, Resolution] = {}

    def start(self, family: AddressFamily) -> None:
        thread = threading.Thread(target=self._call, args=(family,), name=f"{family.name} of {self._name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the limit on processes is reached
            self._arrived.put((family, _NO_THREAD))
        else:
            self._threads.append(thread)

    def _call(self, family: AddressFamily) -> None:
        self._arrived.put((family, self._ask(self._name, family)))

    def wait(self, seconds: float | None) -> bool:
        """Wait for one more answer; False if none came in time."""
        try:
            family, answer = self._arrived.get(timeout=seconds)
        except queue.Empty:
            return False
        self.answers[family] = answer
        return True

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
