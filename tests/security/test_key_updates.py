"""A client may ask for new keys without end (RFC 8446 section 4.6.3), and each time the gate has to answer."""

import contextlib
import errno
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensegate.certs.identity import load_identity
from licensegate.proxy.net.channel import TlsChannel
from support.certificates import issue
from support.channel import Deaf
from support.requirements import require_command
from support.sockets import spin_until

MOST_ASKED = 10_000  # of 27 bytes each


class Asking:
    """s_client, which asks for new keys when it is told "K", and the gate's channel to it."""

    def __init__(self, client: subprocess.Popen[bytes], channel: TlsChannel) -> None:
        self.channel = channel
        self.asked = 0
        self._client = client

    def ask(self) -> None:
        """Ask once, and let the channel read it. Raises what the channel raises."""
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write(b"K\n")
        self._client.stdin.flush()
        while b"KEYUPDATE" not in (line := self._client.stdout.readline()):
            assert line, "s_client has ended"
        self.asked += 1
        with contextlib.suppress(BlockingIOError):
            self.channel.recv(1)


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    certificate, key = issue().write(tmp_path)
    command = require_command("openssl", "openssl")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with subprocess.Popen(
            [command, "s_client", "-connect", address, "-tls1_3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as client:
            sock, _ = listener.accept()
            sock.setblocking(False)
            channel = TlsChannel(sock, load_identity(certificate, key).context, b"")
            spin_until(channel.handshake)
            yield Asking(client, channel)
            channel.close()
            client.kill()


def test_a_client_that_reads_gets_as_many_keys_as_it_wants(asking: Asking) -> None:
    for _ in range(50):
        asking.ask()

    assert not asking.channel.unsent


def test_a_client_that_reads_nothing_is_cut_before_it_fills_memory(asking: Asking) -> None:
    asking.channel.sock = Deaf(asking.channel.sock)

    with pytest.raises(OSError, match="buffer space") as raised:
        spin_until(lambda: asking.asked > MOST_ASKED, asking.ask)

    assert raised.value.errno == errno.ENOBUFS
