"""One direction of a tunnel: reads from one socket, writes to the other, and stops reading while the other is full.

At most one read waits: while bytes wait to be written, nothing is read. A direction that has carried enough is spliced
(splice(2)): from then on its bytes stay in the kernel, in a pipe that it holds only while there are some in it.
"""

import fcntl
import os
import socket
import time
from errno import errorcode
from typing import Final

from ..net.channel import Channel, TlsChannel
from ..wire.tls_records import RecordShape

_CHUNK: Final = 1 << 17
_PIPE_BYTES: Final = 1 << 20
"""Smaller ones mean smaller splices, and each wakes the reader. A user may have pipes of this size (pipe(7))."""

_SPLICE_AFTER: Final = 1 << 18
_TURNS: Final = 4
"""Reads per call, so that one busy direction does not delay the others."""

_SPLICE_FLAGS: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK

_buffer: Final = memoryview(bytearray(_CHUNK))  # shared: what is read is written, or copied, before the next read


class Pipes:
    """A bounded pool of pipes for splicing. A direction that gets none copies.

    Once the kernel has refused to enlarge a pipe, because this user's pipes take as much memory as they may, no further
    one is made until one of these is closed.
    """

    def __init__(self, at_most: int) -> None:
        self._left = at_most
        self._idle: list[tuple[int, int]] = []

    def take(self) -> tuple[int, int] | None:
        """An empty pipe (read end, write end), or None if none is available."""
        if self._idle:
            return self._idle.pop()
        if not self._left:
            return None
        try:
            pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:  # a small pipe costs more than copying
            _close(pipe)
            self._left = 0
            return None
        self._left -= 1
        return pipe

    def give_back(self, pipe: tuple[int, int], *, empty: bool) -> None:
        """Take a pipe back. Close it unless it is empty, so that its bytes do not reach another tunnel."""
        if empty:
            self._idle.append(pipe)
            return
        self._left += 1
        _close(pipe)

    def close(self) -> None:
        """Close the idle pipes."""
        for pipe in self._idle:
            self._left += 1
            _close(pipe)
        self._idle.clear()


def _close(pipe: tuple[int, int]) -> None:
    for end in pipe:
        os.close(end)


NO_PIPES: Final = Pipes(at_most=0)
"""For directions that cannot be spliced."""


class Flow:
    """One direction, from a source to a sink.

    `blocked`: bytes wait until the sink can take them. `ended`: nothing more will pass, because the source ended or
    failed (`source_error`) and all its bytes are written, or because the sink failed (`sink_error`). `passed_on`: the
    sink was half-closed after the source's end. `read` and `written` count bytes; `last_read` is when the last byte was
    read, as of `time.monotonic`. Nothing is spliced while the records that pass are noted.
    """

    __slots__ = (
        "_in_pipe", "_pending", "_pipe", "_pipes", "_shape", "_sink", "_source", "_tls_sink", "blocked",
        "ended", "last_read", "passed_on", "read", "sink_error", "source_error", "written",
    )  # fmt: skip

    def __init__(self, source: Channel, sink: Channel, pipes: Pipes, shape: RecordShape | None = None) -> None:
        self._source = source
        self._sink = sink
        self._tls_sink = sink if isinstance(sink, TlsChannel) else None
        self._shape = shape
        self._pipes = pipes
        self._pipe: tuple[int, int] | None = None
        self._in_pipe = 0
        self._pending: memoryview | None = None
        self.read = 0
        self.last_read = 0.0
        self.written = 0
        self.blocked = False
        self.ended = False
        self.passed_on = False
        self.source_error = ""
        self.sink_error = ""

    @property
    def source_open(self) -> bool:
        """Whether the source may still send: its end was not read."""
        return not self.ended or self.sink_error != ""

    def put(self, data: bytes) -> None:
        """Write bytes that did not come from the source."""
        self._write(memoryview(data))

    def pass_end_on(self) -> None:
        """Half-close the sink, after the source ended and all its bytes are written."""
        self.passed_on = True
        try:  # noqa: SIM105  every tunnel comes here, and `suppress` takes three calls
            self._sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was reset: reading from it will report that
        if self._tls_sink is not None:
            self.blocked = self._tls_sink.unsent

    def pump(self) -> bool:
        """Move what can be moved now. Returns whether anything moved."""
        read, written = self.read, self.written
        if not self.blocked or self._flush():
            turns = _TURNS
            while turns and not self.ended and self.carry():
                turns -= 1
        return self.read > read or self.written > written

    def carry(self) -> bool:
        """Read once and write it, while nothing waits. Returns whether another read is worth trying."""
        if self.read > _SPLICE_AFTER and self._shape is None and (pipe := self._pipes.take()) is not None:
            return self._splice(pipe)
        try:
            size = self._source.recv_into(_buffer)
        except BlockingIOError:
            return False
        except OSError as error:
            return self._source_broke(error)
        if size == 0:
            self.ended = True
            return False
        self.read += size
        self.last_read = time.monotonic()
        data = _buffer[:size]
        if self._shape is not None and not self._shape.see(data):
            self._shape = None
        return self._write(data) and size == _CHUNK

    def close(self) -> None:
        """Give back the pipe that bytes wait in. The sockets belong to the tunnel."""
        if self._pipe is not None:
            self._give_back(self._pipe)

    def _give_back(self, pipe: tuple[int, int]) -> None:
        self._pipes.give_back(pipe, empty=self._in_pipe == 0)
        self._pipe = None
        self._in_pipe = 0

    def _write(self, data: memoryview) -> bool:
        """Write, and keep what the sink does not take. Returns whether it took everything."""
        try:
            sent = self._sink.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            return self._sink_broke(error)
        self.written += sent
        if sent < len(data):
            self._pending = memoryview(bytes(data[sent:]))
            self.blocked = True
        elif self._tls_sink is not None:
            self.blocked = self._tls_sink.unsent
        return not self.blocked

    def _splice(self, pipe: tuple[int, int]) -> bool:
        """Read once into a pipe and write it. Returns whether another read is worth trying."""
        size = self._fill(pipe)
        if not size:
            self._pipes.give_back(pipe, empty=True)
            return False
        self.read += size
        self.last_read = time.monotonic()
        self._pipe = pipe
        self._in_pipe = size
        self.blocked = True
        return self._empty_pipe(pipe) and size >= _CHUNK

    def _fill(self, pipe: tuple[int, int]) -> int:
        """Read once into the pipe. Returns how many bytes; 0 if none has arrived, or none will."""
        try:
            size = os.splice(self._source.fileno(), pipe[1], _PIPE_BYTES, flags=_SPLICE_FLAGS)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._source_broke(error)
            return 0
        self.ended = size == 0
        return size

    def _empty_pipe(self, pipe: tuple[int, int]) -> bool:
        """Write what is in the pipe. Returns whether the sink took it all."""
        try:
            while self._in_pipe:
                sent = os.splice(pipe[0], self._sink.fileno(), self._in_pipe, flags=_SPLICE_FLAGS)
                self._in_pipe -= sent
                self.written += sent
        except BlockingIOError:
            return False
        except OSError as error:
            return self._sink_broke(error)
        self._give_back(pipe)
        self.blocked = False
        return True

    def _flush(self) -> bool:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self.blocked = False
            return self._write(pending)
        if self._tls_sink is not None:
            return self._flush_tls(self._tls_sink)
        return self._pipe is not None and self._empty_pipe(self._pipe)

    def _flush_tls(self, sink: TlsChannel) -> bool:
        try:
            self.blocked = not sink.flush()
        except OSError as error:
            return self._sink_broke(error)
        return not self.blocked

    def _source_broke(self, error: OSError) -> bool:
        self.ended = True
        self.source_error = errorcode.get(error.errno or 0, "unknown error")
        return False

    def _sink_broke(self, error: OSError) -> bool:
        self.ended = True
        self.blocked = False
        self._pending = None
        self.close()
        self.sink_error = errorcode.get(error.errno or 0, "unknown error")
        return False
