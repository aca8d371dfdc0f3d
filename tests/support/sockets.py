"""Connected sockets, half-closes and resets, and functions that wait for a condition."""

import asyncio
import contextlib
import fcntl
import os
import resource
import select
import socket
import struct
import termios
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from support.upstream import SECONDS

if TYPE_CHECKING:
    from _typeshed import HasFileno

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine in an event loop of its own; raises TimeoutError instead of hanging."""
    return asyncio.run(asyncio.wait_for(main, SECONDS))


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until `condition` holds; raises AssertionError if it never does."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        await asyncio.sleep(0.001)


def spin_until(condition: Callable[[], object], step: Callable[[], object] = lambda: None) -> None:
    """Repeat `step` until `condition` holds, where there is no event loop; raises AssertionError if it never does."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition never became true"
        step()
        time.sleep(0)


async def turns(count: int = 300) -> None:
    """Let the event loop turn this often. A callback that spins is called each time, on any machine."""
    for _ in range(count):
        await asyncio.sleep(0)


def socket_pair(*, buffer: int = 0) -> tuple[socket.socket, socket.socket]:
    """The non-blocking ends of a TCP connection; `buffer` sets the kernel's buffers, in bytes."""
    with socket.socket() as listener:
        if buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        near = socket.socket()
        if buffer:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        near.connect(listener.getsockname())
        far, _ = listener.accept()
    for end in (near, far):
        end.setblocking(False)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


def reset(sock: socket.socket) -> None:
    """Reset the connection once the peer's system has everything: a reset discards unacknowledged bytes."""
    spin_until(lambda: not unacknowledged(sock))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def unacknowledged(sock: socket.socket) -> int:
    """The number of bytes sent and not yet acknowledged."""
    (count,) = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0\0\0\0"))
    return int(count)


def unread_bytes(sock: "HasFileno") -> int:
    """The number of bytes that arrived and were not read."""
    (count,) = struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, b"\0\0\0\0"))
    return int(count)


def fill_send_buffer(sock: socket.socket, block: bytes = b"x" * 65536) -> int:
    """Send until the socket takes no more. Returns the number of bytes sent."""
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += sock.send(block)
    return sent


async def receive(sock: socket.socket, size: int | None = None) -> bytes:
    """Read `size` bytes, or everything up to the end or the reset of the connection."""
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    got = 0
    with contextlib.suppress(ConnectionResetError):
        while size is None or got < size:
            data = await loop.sock_recv(sock, 65536 if size is None else min(65536, size - got))
            if not data:
                break
            parts.append(data)
            got += len(data)
    return b"".join(parts)


def wait_for_end(descriptor: int) -> None:
    """Block until the peer's end has arrived at a socket, and with it all that the peer sent before."""
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    assert poll.poll(20_000)


def is_closed(sock: socket.socket) -> bool:
    """Whether the peer closed or reset the connection. Discards unread data before that."""
    try:
        while sock.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class BlackHole:
    """An address that answers nothing: its backlog is full, so the kernel drops new connections."""

    def __init__(self, host: str, port: int = 0) -> None:
        self._sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((host, port))
        self._sock.listen(0)
        self.port: int = self._sock.getsockname()[1]
        self._waiting = [socket.socket(self._sock.family) for _ in range(4)]
        for sock in self._waiting:
            sock.setblocking(False)
            sock.connect_ex((host, self.port))

    def open(self) -> None:
        """Answer from now on: the kernel takes who waits, and who knocks again."""
        self._sock.listen(16)

    def close(self) -> None:
        for sock in (self._sock, *self._waiting):
            sock.close()


def descriptors() -> set[str]:
    """The open descriptors of this process, each with what it stands for."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the one by which they are listed
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
    return found


@contextlib.contextmanager
def no_free_descriptors() -> Iterator[None]:
    """Allow this process no new descriptor while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
