"""Reads the packets that reach a network namespace, so that nothing that arrives there is overlooked."""

import ipaddress
import socket
import threading
from types import TracebackType
from typing import Self

from msgspec import Struct

from support.upstream import SECONDS

_OUTGOING = 4  # PACKET_OUTGOING, packet(7)
_IPV4, _IPV6 = 0x0800, 0x86DD
_ICMPV6 = 58
_BEFORE_OTHERS = frozenset({0, 43, 60})  # extension headers of IPv6, RFC 8200 section 4
_NEIGHBOURS = frozenset({133, 134, 135, 136, 143})  # messages of the link itself: RFC 4861, RFC 3810
_TCP = 6
_NAMES = {1: "icmp", _TCP: "tcp", 17: "udp", _ICMPV6: "icmp"}
_WITH_PORTS = frozenset({_TCP, 17})


class Packet(Struct, frozen=True):
    """A packet that arrived: its protocol, where it was sent, and its payload."""

    protocol: str
    address: str
    port: int = 0
    payload: bytes = b""


class Watcher:
    """Collects in a thread what arrives in a namespace, but for the messages of the link itself.

    `sock` is the namespace's packet socket, `cable` the name of the interface to watch.
    """

    def __init__(self, sock: socket.socket, cable: str) -> None:
        self._socket = sock
        self._cable = cable
        self._seen: list[Packet] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._socket.settimeout(0.2)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        self._socket.close()

    def seen_until(self, last: Packet) -> list[Packet]:
        """Wait for this packet, and take all that arrived before it. Raises AssertionError after SECONDS."""
        with self._changed:
            assert self._changed.wait_for(lambda: last in self._seen, SECONDS), f"{last} did not arrive"
            end = self._seen.index(last)
            seen, self._seen = self._seen[:end], self._seen[end + 1 :]
        return seen

    def _watch(self) -> None:
        while not self._stopping:
            try:
                data, (cable, kind, direction, *_) = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            if cable == self._cable and direction != _OUTGOING and (packet := read_packet(kind, data)):
                with self._changed:
                    self._seen.append(packet)
                    self._changed.notify_all()


def read_packet(kind: int, data: bytes) -> Packet | None:
    """A packet from its IP header on; None for a message of the link itself."""
    if kind == _IPV4:
        protocol, length = data[9], (data[0] & 15) * 4
        address = str(ipaddress.IPv4Address(data[16:20]))
        data = data[: int.from_bytes(data[2:4], "big")]  # without the frame's padding
    elif kind == _IPV6:
        protocol, length = data[6], 40
        address = str(ipaddress.IPv6Address(data[24:40]))
        while protocol in _BEFORE_OTHERS:
            protocol, length = data[length], length + (data[length + 1] + 1) * 8
    else:
        return None
    body = data[length:]
    if protocol == _ICMPV6 and body[0] in _NEIGHBOURS:
        return None
    name = _NAMES.get(protocol, str(protocol))
    if protocol not in _WITH_PORTS:
        return Packet(name, address, payload=body)
    port = int.from_bytes(body[2:4], "big")
    return Packet(name, address, port, body[(body[12] >> 4) * 4 :] if protocol == _TCP else body[8:])
