"""A network namespace for a gate, its clients and its targets, with a loopback on which every port is free.

The gate can then listen on 443 whatever else this machine runs, and /etc/hosts decides where every client connects.
"""

import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from support.namespaces import with_hosts
from support.requirements import require_command
from support.upstream import SECONDS

_HOLDER = Path(__file__).with_name("namespace_holder.py")


class Network:
    """A network namespace, made on entry; `inside` is the command prefix that enters it.

    It knows only `names` and what a name server in its `resolv_conf` tells (`support.dns_server`). It has
    127.0.0.0/8, ::1 and `addresses`. A client that connects to one of `addresses` also has it as its source, so that
    tests can have clients of another network. A `neighbour` whose users may give it a cable to this one is another
    `Network`, entered before: this one then has its names.
    """

    def __init__(
        self,
        folder: Path,
        names: Mapping[str, str],
        *addresses: str,
        resolv_conf: str = "",
        neighbour: "Network | None" = None,
    ) -> None:
        self._folder = folder
        self._names = names
        self._addresses = addresses
        self._resolv_conf = resolv_conf
        self._neighbour = neighbour
        self.inside: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        if self._neighbour is None:
            entering = with_hosts(self._folder, self._names, own_network=True, resolv_conf=self._resolv_conf)
            own_user = "--map-root-user" in entering
        else:
            entering = (*self._neighbour.inside, require_command("unshare", "util-linux"), "--net")
            own_user = "--user" in entering
        self._asking, asked = socket.socketpair()
        self._asking.settimeout(SECONDS)
        with asked:
            holder = (sys.executable, str(_HOLDER), str(asked.fileno()), *self._addresses)
            self._holder = subprocess.Popen([*entering, *holder], pass_fds=[asked.fileno()])
        assert self._asking.recv(1), "the network namespace could not be made"
        command = (require_command("nsenter", "util-linux"), f"--target={self._holder.pid}", "--net", "--mount")
        self.inside = (*command, "--user", "--preserve-credentials") if own_user else command
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asking.close()
        self._holder.wait(SECONDS)

    @property
    def pid(self) -> int:
        """The process that holds the namespace: ip(8) names a namespace by one."""
        return self._holder.pid

    def new_socket(self) -> socket.socket:
        """A TCP socket of this namespace, to use in the test's process."""
        return self._new_socket(b"\0")

    def new_datagram_socket(self) -> socket.socket:
        """A UDP socket of this namespace, to use in the test's process."""
        return self._new_socket(b"\1")

    def _new_socket(self, kind: bytes) -> socket.socket:
        self._asking.send(kind)
        _, (descriptor,), _, _ = socket.recv_fds(self._asking, 1, 1)
        made = socket.socket(fileno=descriptor)
        made.settimeout(SECONDS)
        return made

    def new_ipv6_socket(self) -> socket.socket:
        """A TCP socket over IPv6 of this namespace, to use in the test's process."""
        return self._new_socket(b"\2")

    def new_packet_socket(self) -> socket.socket:
        """A socket that gets every packet of this namespace from its IP header on, to use in the test's process."""
        return self._new_socket(b"\3")

    def new_listener(self) -> socket.socket:
        """A socket that listens on a free port of 127.0.0.1 in this namespace."""
        made = self.new_socket()
        made.settimeout(None)
        made.bind(("127.0.0.1", 0))
        made.listen()
        return made
