"""Looks up the name of a log server in a thread of its own, since nothing can end a look-up."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from .server_errors import GaveUpError

SLICE_SECONDS: Final = 0.1
"""How long a thread waits before it looks whether it is to give up."""

_Address = tuple[socket.AddressFamily, socket.SocketKind, Any]
"""What to make a socket with, and where to connect it."""


class LookUp:
    """A look-up that goes on while its caller waits, gives up, and asks again."""

    def __init__(self, host: str, port: int, kind: socket.SocketKind) -> None:
        self._found: list[_Address] = []
        self._error: OSError | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, args=(host, port, kind), name="log server", daemon=True).start()

    def _run(self, host: str, port: int, kind: socket.SocketKind) -> None:
        try:
            self._found = [(family, one, to) for family, one, _, _, to in socket.getaddrinfo(host, port, type=kind)]
        except OSError as error:
            self._error = error
        self._done.set()

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self._done.is_set()

    def result(self, until: float, is_over: Callable[[], bool]) -> list[_Address]:
        """The addresses. Raises OSError, or TimeoutError or GaveUpError while it goes on."""
        while not self._done.wait(SLICE_SECONDS):
            if is_over():
                raise GaveUpError("the name is still being looked up")
            if time.monotonic() > until:
                raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._found
