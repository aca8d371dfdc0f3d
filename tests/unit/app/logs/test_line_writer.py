"""Lines that two processes write to one place stay whole."""

import select
import socket

import pytest

from licensegate.app.logs.file_sink import FileSink
from licensegate.app.logs.line_writer import LineWriter
from licensegate.app.logs.sink import LogLine, Severity


@pytest.mark.parametrize("shared", [False, True])
def test_a_shared_place_gets_whole_lines_that_a_pipe_takes_at_once(shared: bool) -> None:
    lines = [bytes([65 + number % 26]) * (number * 37 % 900) + b"\n" for number in range(50)]
    lines.insert(20, b"-" * 3 * select.PIPE_BUF + b"\n")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # receives write by write
    with ours, theirs:
        writer = LineWriter(FileSink(ours.fileno()), "log")
        writer.share(shared)
        for line in lines:
            writer.put(LogLine(line[:-1], Severity.INFO, 0))
        writer.close()
        ours.shutdown(socket.SHUT_WR)
        writes = list(iter(lambda: theirs.recv(1 << 20), b""))

    assert b"".join(writes) == b"".join(lines)
    short = [write for write in writes if len(write) <= select.PIPE_BUF or write == lines[20]]
    assert (short == writes and all(write.endswith(b"\n") for write in writes)) == shared
