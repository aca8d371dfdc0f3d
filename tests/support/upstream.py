"""A TCP server for tests that handles each connection with a function."""

import contextlib
import itertools
import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

SECONDS = 60
"""Timeout of every wait in a test. No test passes by reaching it."""


class Upstream:
    """A server on a free port of 127.0.0.1 that runs `behaviour(connection)` in a thread for each connection.

    `listener` replaces that port, for example with one in another network namespace.

    `connections` counts accepted connections. An exception that a behaviour raises is raised again on exit, except
    OSError: a peer may reset the connection or time out.
    """

    def __init__(self, behaviour: Callable[[socket.socket], None], listener: socket.socket | None = None) -> None:
        self._behaviour = behaviour
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._failures: list[Exception] = []
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        if self._failures and error is None:
            raise self._failures[0]

    def accepted(self, at_least: int) -> int:
        """Wait for so many connections and return their number, which the gate may know earlier."""
        deadline = time.monotonic() + SECONDS
        while self.connections < at_least and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.connections

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(SECONDS)
        try:
            self._behaviour(connection)
        except OSError:
            pass
        except Exception as failure:
            self._failures.append(failure)
        finally:
            self._open.discard(connection)
            connection.close()


def echo(connection: socket.socket) -> None:
    """A behaviour: send everything back."""
    while data := connection.recv(65536):
        connection.sendall(data)


def read_nothing(connection: socket.socket) -> None:
    """A behaviour: hold the connection without reading until the peer or the server ends it."""
    closing = select.poll()
    closing.register(connection, select.POLLRDHUP)
    closing.poll(SECONDS * 1000)


def closed_port() -> int:
    """A free port that nothing else takes meanwhile.

    It is below those that the kernel gives to outgoing connections, new in this process, and not for other processes of
    the same run.
    """
    while True:
        port = next(_ports)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


def _own_ports() -> list[int]:
    """The ports of this process of a run, in any order: several runs may share a machine."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports = list(range(10_000 + number, 32_768, processes))
    random.Random().shuffle(ports)
    return ports


_ports = itertools.cycle(_own_ports())
