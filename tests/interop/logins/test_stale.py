"""A client that kept its challenge for too long: the gate behind the same address no longer knows the nonce.

So it is after five minutes, after a restart, and where a balancer sends a client to a gate with another key. Java keeps
what it was asked for as long as its process lives, which for a product is months.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import java
from support.authority import Authority
from support.client_program import Post
from support.licensing_exchange import URL
from support.login_gate import run_login_gate
from support.logins import PASSWORD, USER

SHA_256 = "digest-sha-256"


@contextlib.contextmanager
def leading_to(port_of: Callable[[int], int]) -> Iterator[int]:
    """A port that forwards each connection to the port that `port_of` gives for its number, from 1."""
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        number = 0
        with contextlib.suppress(OSError):  # once it is closed
            while True:
                client, _ = listener.accept()
                number += 1
                gate = socket.create_connection(("127.0.0.1", port_of(number)))
                for ends in ((client, gate), (gate, client)):
                    threading.Thread(target=carry, args=ends, daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("release", java.RELEASES)
@pytest.mark.parametrize("program", ["UrlConnection", "ApacheHttp"])
def test_java_logs_in_again_by_itself_unseen_by_its_user(
    tmp_path: Path, authority: Authority, program: str, release: int
) -> None:
    folders = [tmp_path / "before", tmp_path / "after"]
    for folder in folders:
        folder.mkdir()
    hosts = ("tools.cisco.com", "api.cisco.com", "cloudsso.cisco.com")
    with (
        run_login_gate(folders[0], authority) as before,
        run_login_gate(folders[1], authority) as after,
        leading_to(lambda number: (before if number <= 2 else after).port()) as port,
    ):
        proxy = f"http://{USER}:{PASSWORD}@127.0.0.1:{port}"
        posts = [Post(URL.replace("tools.cisco.com", host), proxy) for host in hosts]
        shown = java.post(release, program, (), before.trust, posts)
        first, then = before.all_logins(), after.all_logins()

    assert all('"stand_in": true' in text for text in shown), shown
    assert first == [("", "missing"), (SHA_256, "accepted")]
    assert then.count((SHA_256, "accepted")) == 2
    if program == "UrlConnection":
        assert then[0] == (SHA_256, "stale"), "the client answers the old nonce, and the gate calls it stale"
