"""File descriptors held back for the admin server, so that it still answers when the process has no other left.

Each is open on /dev/null until a connection takes its number; when that connection ends, it is open on /dev/null again.
"""

import contextlib
import os
import socket
from typing import Final

_SPARE: Final = 4


class SpareDescriptors:
    """A few descriptors to give up for connections. Takes as many as it can get."""

    def __init__(self) -> None:
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._spare: list[int] = []
        self._wanted = _SPARE
        with contextlib.suppress(OSError):
            self._spare.extend(os.dup(self._null) for _ in range(_SPARE))

    def give_up_one(self) -> bool:
        """Close one, so that the next accept succeeds. Returns False if none is left."""
        if not self._spare:
            return False
        os.close(self._spare.pop())
        return True

    def take_back(self, sock: socket.socket) -> None:
        """Close a connection. If a spare one is missing, keep its descriptor: at no moment is it free for others.

        A connection with TLS is closed already when it has ended.
        """
        if len(self._spare) < self._wanted:
            if sock.fileno() >= 0:
                os.dup2(self._null, sock.fileno(), inheritable=False)
                self._spare.append(sock.detach())
            else:
                with contextlib.suppress(OSError):
                    self._spare.append(os.dup(self._null))
        sock.close()

    def close(self) -> None:
        """Give up all of them, and keep none from now on."""
        if self._wanted:
            self._wanted = 0
            for descriptor in (self._null, *self._spare):
                os.close(descriptor)
            self._spare.clear()
