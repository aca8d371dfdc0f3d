"""The target of every tunnel, a separate process so that its CPU time is not counted.

It sends one byte after a client's first bytes. A client that then sends `G<count>` and a line feed gets that many
bytes; anything else is discarded. If the first bytes are those of the recorded exchange, it sends its part of that
instead. `python origin.py PORTS EXCHANGE` listens on that many ports of every loopback address, prints them on one
line, and ends when its standard input ends, so that it never outlives the benchmark.
"""

import contextlib
import select
import socket
import sys
from pathlib import Path

import msgspec
from exchange import Exchange

GREETING = b"!"
_CHUNK = memoryview(bytes(256 * 1024))
_READ_BYTES = 65536


class _Connection:
    """One accepted connection: whether it was greeted, and how many bytes are still to be sent.

    In an exchange `due` is how many bytes of the client's request are still to come; 0 in others.
    """

    __slots__ = ("due", "greeted", "owed", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.greeted = False
        self.due = 0
        self.owed = 0


def listen(count: int) -> tuple[list[int], list[socket.socket]]:
    """Listen on `count` free ports, each on 127.0.0.1 and on ::1 if the machine has it.

    Without ::1, contenders that try IPv6 first would pay for a refused connection.
    """
    ports: list[int] = []
    listeners: list[socket.socket] = []
    while len(ports) < count:
        first = socket.create_server(("127.0.0.1", 0), backlog=4096)
        port = first.getsockname()[1]
        ports.append(port)
        listeners.append(first)
        with contextlib.suppress(OSError):
            listeners.append(socket.create_server(("::1", port), family=socket.AF_INET6, backlog=4096))
    return ports, listeners


class Origin:
    """The event loop: accept, greet, send the requested bytes."""

    def __init__(self, listeners: list[socket.socket], exchange: Exchange) -> None:
        self._exchange = exchange
        self._poll = select.epoll()
        self._listeners = {listener.fileno(): listener for listener in listeners}
        self._connections: dict[int, _Connection] = {}
        for listener in listeners:
            listener.setblocking(False)
            self._poll.register(listener, select.EPOLLIN)
        self._poll.register(sys.stdin, select.EPOLLIN)

    def run(self) -> None:
        """Serve until standard input ends."""
        while True:
            for descriptor, event in self._poll.poll():
                if connection := self._connections.get(descriptor):
                    self._serve(connection, event)
                elif descriptor in self._listeners:
                    self._accept(self._listeners[descriptor])
                else:
                    return

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                accepted, _ = listener.accept()
                accepted.setblocking(False)
                self._connections[accepted.fileno()] = _Connection(accepted)
                self._poll.register(accepted, select.EPOLLIN)

    def _serve(self, connection: _Connection, event: int) -> None:
        try:
            if event & ~select.EPOLLOUT:
                self._read(connection)
            if connection.owed:
                self._send(connection)
        except BlockingIOError:
            pass
        except (ConnectionError, EOFError):
            del self._connections[connection.socket.fileno()]
            connection.socket.close()

    def _read(self, connection: _Connection) -> None:
        data = connection.socket.recv(_READ_BYTES)
        if not data:
            raise EOFError
        if not connection.greeted:
            connection.greeted = True
            if data == self._exchange.hello:
                connection.due = len(self._exchange.request)
                connection.socket.send(self._exchange.handshake)
            else:
                connection.socket.send(GREETING)
        elif connection.due:
            connection.due = max(0, connection.due - len(data))
            if not connection.due:
                connection.socket.send(self._exchange.answer)
        elif data.startswith(b"G"):
            connection.owed = int(data[1:])
            self._poll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)

    def _send(self, connection: _Connection) -> None:
        connection.owed -= connection.socket.send(_CHUNK[: connection.owed])
        if not connection.owed:
            self._poll.modify(connection.socket, select.EPOLLIN)


def main() -> None:
    """Bind, print the ports, serve."""
    ports, listeners = listen(int(sys.argv[1]))
    print(*ports, flush=True)
    Origin(listeners, msgspec.msgpack.decode(Path(sys.argv[2]).read_bytes(), type=Exchange)).run()


if __name__ == "__main__":
    main()
