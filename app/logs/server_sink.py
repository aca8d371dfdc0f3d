"""A log server as the place of a log: lines become messages, and wait while the server cannot be reached."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from .connection import Connection
from .server_errors import GaveUpError, ServerError, TooLongError
from .sink import LogLine, LogSink, Loss, WriteResult

_FIRST_WAIT_SECONDS: Final = 0.25
_LONGEST_WAIT_SECONDS: Final = 15.0
"""Between two tries to connect; each wait is twice the one before."""

_FRAMES_BYTES: Final = 1 << 16
"""Sent in one call: more would only wait longer in our memory."""


class ServerSink(LogSink):
    """Sends each line as the message that `encode` makes of it, which says whether it had to shorten it.

    `frame` makes frames of messages for a stream.
    """

    def __init__(
        self,
        connection: Connection,
        encode: Callable[[LogLine], tuple[bytes, bool]],
        frame: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.shared = False
        self._connection = connection
        self._encode = encode
        self._frame = frame
        self._fault = ""
        self._doubtful = False  # whether the next datagram may find nobody
        self._wait = 0.0
        self._next_try = 0.0

    @property
    def overflow(self) -> Loss:
        """The server is slow, or not there."""
        return Loss.NOT_CONNECTED if self._fault else Loss.QUEUE_FULL

    def write(self, lines: Sequence[LogLine], is_over: Callable[[], bool]) -> WriteResult:
        """Send lines, after connecting if need be. Lines wait while there is no connection."""
        result = WriteResult(0, {})
        was_open = self._connection.is_open
        if not was_open and time.monotonic() < self._next_try:
            result.fault = self._fault
            return result
        try:
            try:
                self._connect_and_send(lines, is_over, result)
            except GaveUpError:
                raise
            except ServerError as error:
                if not was_open:
                    raise
                self._note(error, result)
                self._doubtful = True  # perhaps the server was only started again
                self._connect_and_send(lines[result.done :], is_over, result)
        except GaveUpError:  # for a reload or a stop, which is no fault of the server's
            self._connection.close()
            result.fault = self._fault
        except ServerError as error:
            self._note(error, result)
            self._fault = result.fault = str(error)
            self._doubtful = True
            self._wait = min(2 * self._wait or _FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS)
            self._next_try = time.monotonic() + self._wait
        else:
            self._fault = ""
            self._wait = 0.0
        return result

    def _connect_and_send(self, lines: Sequence[LogLine], is_over: Callable[[], bool], result: WriteResult) -> None:
        """Raises ServerError; then `result` says how many lines are done with."""
        if self._connection.is_open:
            self._connection.check()
        else:
            self._connection.open(is_over)
        send = self._send_stream if self._connection.is_stream else self._send_datagrams
        send(lines, is_over, result)

    def _note(self, error: ServerError, result: WriteResult) -> None:
        if error.lost_one:
            self._lose(result, Loss.WRITE_ERROR)

    def hurry(self) -> None:
        """Connect at the next write, whatever the wait."""
        self._next_try = 0.0

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send_stream(self, lines: Sequence[LogLine], is_over: Callable[[], bool], result: WriteResult) -> None:
        """Send lines in frames. A frame that the kernel has not taken whole when the connection fails is sent again."""
        rest = deque(lines)
        while rest:
            frames, ends = bytearray(), deque[tuple[int, bool]]()
            while rest and len(frames) < _FRAMES_BYTES:
                message, is_cut = self._encode(rest.popleft())
                frames += self._frame(message)
                ends.append((len(frames), is_cut))
            self._connection.send_stream(bytes(frames), is_over, partial(self._took, ends, result))

    def _took(self, ends: deque[tuple[int, bool]], result: WriteResult, count: int) -> None:
        """Count the frames that end within the first `count` bytes."""
        while ends and ends[0][0] <= count:
            self._count(result, is_cut=ends.popleft()[1])

    def _send_datagrams(self, lines: Sequence[LogLine], is_over: Callable[[], bool], result: WriteResult) -> None:
        """Send lines one by one. After a failure the first is sent again until nobody says that it did not arrive."""
        for line in lines:
            message, is_cut = self._encode(line)
            try:
                self._connection.send_datagram(message, is_over)
            except TooLongError:
                is_cut = True
            if self._doubtful:
                self._connection.await_refusal(is_over)
                self._doubtful = False
            self._count(result, is_cut=is_cut)

    def _count(self, result: WriteResult, *, is_cut: bool) -> None:
        result.done += 1
        if is_cut:
            self._lose(result, Loss.TOO_LONG)

    @staticmethod
    def _lose(result: WriteResult, reason: Loss) -> None:
        result.lost = {**result.lost, reason: result.lost.get(reason, 0) + 1}
