"""Hold a network namespace open for `network`: bring its loopback up and make sockets in it.

Usage: holder.py DESCRIPTOR [ADDRESS ...]. The addresses are given to the loopback too. For each byte that comes through
the descriptor, a Unix socket, a new socket of a kind in _KINDS goes back: it belongs to this namespace, wherever it is
used.
"""

import fcntl
import socket
import struct
import sys

_SIOCSIFFLAGS, _SIOCSIFADDR = 0x8914, 0x8916  # netdevice(7)
_IFF_UP = 1
_ALL_PROTOCOLS = socket.htons(3)  # ETH_P_ALL, packet(7)
_KINDS = {
    b"\0": (socket.AF_INET, socket.SOCK_STREAM, 0),
    b"\1": (socket.AF_INET, socket.SOCK_DGRAM, 0),
    b"\2": (socket.AF_INET6, socket.SOCK_STREAM, 0),
    b"\3": (socket.AF_PACKET, socket.SOCK_DGRAM, _ALL_PROTOCOLS),
}


def add_ipv6(address: str) -> None:
    """Give the loopback an IPv6 address, by Linux's in6_ifreq."""
    request = struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, address), 128, socket.if_nametoindex("lo"))
    with socket.socket(socket.AF_INET6) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFADDR, request)


def hold(asked: socket.socket, addresses: list[str]) -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
        for number, address in enumerate(each for each in addresses if ":" not in each):
            alias = struct.pack("16sHxx4s16x", f"lo:{number}".encode(), socket.AF_INET, socket.inet_aton(address))
            fcntl.ioctl(any_socket, _SIOCSIFADDR, alias)
    for address in addresses:
        if ":" in address:
            add_ipv6(address)
    asked.send(b"\n")
    while wanted := asked.recv(1):
        with socket.socket(*_KINDS[wanted]) as made:
            socket.send_fds(asked, [b"\0"], [made.fileno()])


if __name__ == "__main__":
    hold(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
