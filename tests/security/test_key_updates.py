"""A client may request key updates without end, and the gate must answer each (RFC 8446 section 4.6.3)."""

import contextlib
import errno
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.proxy.net.channel import TlsChannel
from support.blocking_channel import StalledSocket
from support.certificates import issue
from support.requirements import require_command
from support.sockets import spin_until

MOST_REQUESTS = 10_000  # with an answer of 27 bytes each


class KeyUpdateClient:
    """An s_client that requests a key update when it reads "K", and the gate's channel to it."""

    def __init__(self, client: subprocess.Popen[bytes], channel: TlsChannel) -> None:
        self.channel = channel
        self.requested = 0
        self._client = client

    def request(self) -> None:
        """Request one key update and let the channel read it. Raises what the channel raises."""
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write(b"K\n")
        self._client.stdin.flush()
        while b"KEYUPDATE" not in (line := self._client.stdout.readline()):
            assert line, "s_client has ended"
        self.requested += 1
        with contextlib.suppress(BlockingIOError):
            self.channel.recv(1)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[KeyUpdateClient]:
    certificate, key = issue().write(tmp_path)
    command = require_command("openssl", "openssl")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with subprocess.Popen(
            [command, "s_client", "-connect", address, "-tls1_3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as program:
            sock, _ = listener.accept()
            sock.setblocking(False)
            channel = TlsChannel(sock, load_identity(certificate, key).context, b"")
            spin_until(channel.handshake)
            yield KeyUpdateClient(program, channel)
            channel.close()
            program.kill()


def test_a_client_that_reads_may_request_many_key_updates(client: KeyUpdateClient) -> None:
    for _ in range(50):
        client.request()

    assert not client.channel.unsent


def test_a_client_that_does_not_read_is_cut_before_it_fills_memory(client: KeyUpdateClient) -> None:
    client.channel.sock = StalledSocket(client.channel.sock)

    with pytest.raises(OSError, match="buffer space") as raised:
        spin_until(lambda: client.requested > MOST_REQUESTS, client.request)

    assert raised.value.errno == errno.ENOBUFS
