"""A TLS channel with its client; a pair of sockets."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.tls_line import Line
from support.tls_memory import VERSIONS


@pytest.fixture(params=list(VERSIONS.values()), ids=list(VERSIONS))
def line(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Line]:
    line = Line(tmp_path, request.param)
    line.connect()
    yield line
    line.close()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    for end in pair:
        end.setblocking(False)
    yield pair
    for end in pair:
        end.close()
