"""Who listens on a port of this host: /proc/net/tcp has the sockets, /proc/PID/fd the processes (proc(5)).

Names a process by its short name and number only. Command lines are never read: they may hold passwords.
"""

import os
import re
import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from msgspec import Struct

_PROC: Final = Path("/proc")
_LISTENING: Final = "0A"  # TCP_LISTEN of include/net/tcp_states.h
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")
_WILDCARDS: Final = frozenset({"0.0.0.0", "::"})


class PortHolder(Struct, frozen=True):
    """A listening socket. `pid` is 0 and `program` empty if this user may not see the process."""

    address: str
    port: int
    uid: int
    program: str = ""
    pid: int = 0

    def __str__(self) -> str:
        return f"{self.program} (process {self.pid})" if self.pid else f"a process of uid {self.uid}"


def port_holders(proc: Path = _PROC) -> tuple[PortHolder, ...]:
    """Every listening TCP socket of this network namespace, with its process as far as this user's rights allow."""
    sockets = [each for table in ("tcp", "tcp6") for each in _listening(proc / "net" / table)]
    processes = dict(_socket_owners(proc, {inode for _, inode in sockets})) if sockets else {}
    return tuple(
        PortHolder(found.address, found.port, found.uid, *processes.get(inode, ("", 0))) for found, inode in sockets
    )


def holder_of(host: str, port: int, holders: tuple[PortHolder, ...]) -> PortHolder | None:
    """The holder of the address that keeps others from binding it, or None."""
    for holder in holders:
        same_family = (":" in holder.address) is (":" in host)
        if holder.port == port and (
            holder.address == host or (same_family and (holder.address in _WILDCARDS or host in _WILDCARDS))
        ):
            return holder
    return None


def _listening(table: Path) -> Iterator[tuple[PortHolder, str]]:
    """Each listening socket in a table, with its inode."""
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if fields[3] == _LISTENING:
            address, _, port = fields[1].partition(":")
            yield PortHolder(_address(address), int(port, 16), int(fields[7])), fields[9]


def _address(hexadecimal: str) -> str:
    """An address of the table: words of 32 bits in the machine's byte order."""
    words = [int(hexadecimal[start : start + 8], 16) for start in range(0, len(hexadecimal), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    text = socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)
    return str(ip_address(text))


def _socket_owners(proc: Path, wanted: set[str]) -> Iterator[tuple[str, tuple[str, int]]]:
    """The inodes of sockets with the short name and the number of the process that has each open."""
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            links = [os.readlink(entry.path) for entry in os.scandir(folder / "fd")]
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # the process has ended, or belongs to another user
            continue
        for link in links:
            found = _SOCKET.fullmatch(link)
            if found and found[1] in wanted:
                yield found[1], (name, int(folder.name))
