"""A network of its own for a gate, its clients and its targets: a loopback on which every port is free.

So a gate listens on 443 whoever runs the test and whatever else this machine does, and every client, whichever way it
resolves names, is led where the test wants it by /etc/hosts.
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
    """Entered, it is there. `inside` is what to put before a command that is to run in it.

    It has the names given and no others, the addresses 127.0.0.0/8, ::1 and `addresses`. A client that connects to one
    of `addresses` comes from it too, so that a test can have clients of another network.
    """

    def __init__(self, folder: Path, names: Mapping[str, str], *addresses: str) -> None:
        self._folder = folder
        self._names = names
        self._addresses = addresses
        self.inside: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        entering = with_hosts(self._folder, self._names, alone=True)
        self._asking, asked = socket.socketpair()
        self._asking.settimeout(SECONDS)
        with asked:
            holder = (sys.executable, str(_HOLDER), str(asked.fileno()), *self._addresses)
            self._holder = subprocess.Popen([*entering, *holder], pass_fds=[asked.fileno()])
        assert self._asking.recv(1), "the network did not come about"
        command = (require_command("nsenter", "util-linux"), f"--target={self._holder.pid}", "--net", "--mount")
        own_user = ("--user", "--preserve-credentials") if "--map-root-user" in entering else ()
        self.inside = (*command, *own_user)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asking.close()
        self._holder.wait(SECONDS)

    def new_socket(self) -> socket.socket:
        """A TCP socket of this network; it binds, listens and connects there, whoever holds it."""
        self._asking.send(b"\0")
        _, (descriptor,), _, _ = socket.recv_fds(self._asking, 1, 1)
        made = socket.socket(fileno=descriptor)
        made.settimeout(SECONDS)
        return made

    def new_listener(self) -> socket.socket:
        """A socket that listens on a free port of 127.0.0.1 here."""
        made = self.new_socket()
        made.settimeout(None)
        made.bind(("127.0.0.1", 0))
        made.listen()
        return made
