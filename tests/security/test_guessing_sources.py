"""Passwords guessed from 200 addresses at once, while clients with a right password go on logging in by Basic."""

import contextlib
import selectors
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.authority import Authority
from support.licensing_exchange import TARGET
from support.login_gate import ListenerSchemes, LoginGate, run_login_gate
from support.logins import PASSWORD, USER, basic, htpasswd_line
from support.raw_client import read_answer
from support.upstream import SECONDS

SOURCES = 200
COST = 7
"""Of bcrypt: some 8 ms a check, so that all sources together keep both threads busy for seconds."""

PATIENT = "[limits]\nhead_seconds = 60\n"
"""The machine may be slow, and a login that is new waits for one guess of each source."""

USERS = [(f"node-{number}", PASSWORD) for number in range(20)]


def request(login: str) -> bytes:
    return f"CONNECT {TARGET} HTTP/1.1\r\nProxy-Authorization: {login}\r\n\r\n".encode()


def status_of_login(login_gate: LoginGate, login: str, source: str) -> int:
    address = ("127.0.0.1", login_gate.port(ListenerSchemes.BASIC))
    with socket.create_connection(address, SECONDS, source_address=(source, 0)) as client:
        client.sendall(request(login))
        return read_answer(client).status


class Guessing:
    """Each source sends one wrong password after another, as fast as it is answered. `answers` counts the statuses."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[bytes] = Counter()
        self._port = port
        self._stopped = threading.Event()
        self._guesses = 0
        self._ready = selectors.DefaultSelector()
        for number in range(SOURCES):
            self._guess(f"127.7.0.{number + 1}")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Leave all at once, and raise what went wrong."""
        self._stopped.set()
        self._thread.join()
        for key in list(self._ready.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._ready.close()

    def _guess(self, source: str) -> None:
        self._guesses += 1
        user = USERS[self._guesses % len(USERS)][0]
        client = socket.create_connection(("127.0.0.1", self._port), SECONDS, source_address=(source, 0))
        client.sendall(request(basic(user, f"guess {self._guesses}")))
        self._ready.register(client, selectors.EVENT_READ, source)

    def _run(self) -> None:
        while not self._stopped.is_set():
            for key, _ in self._ready.select(0.1):
                client = key.fileobj
                assert isinstance(client, socket.socket)
                self._ready.unregister(client)
                with client, contextlib.suppress(OSError):
                    self.answers[client.recv(65536)[9:12]] += 1
                self._guess(key.data)


@pytest.fixture
def login_gate(tmp_path: Path, authority: Authority) -> Iterator[LoginGate]:
    with run_login_gate(tmp_path, authority, PATIENT, users=[(USER, PASSWORD), *USERS]) as made:
        (tmp_path / "users.htpasswd").write_text("".join(htpasswd_line(*user, cost=COST) for user in USERS))
        made.gate.send(signal.SIGHUP)
        made.gate.await_line("reload requested by SIGHUP")
        yield made


@contextlib.contextmanager
def guessing(login_gate: LoginGate) -> Iterator[Guessing]:
    crowd = Guessing(login_gate.port(ListenerSchemes.BASIC))
    try:
        yield crowd
    finally:
        crowd.stop()


def test_right_logins_get_through_while_200_sources_guess(login_gate: LoginGate) -> None:
    with guessing(login_gate) as crowd:
        first = [status_of_login(login_gate, basic(*user), f"127.8.0.{n + 1}") for n, user in enumerate(USERS)]
        again = [status_of_login(login_gate, basic(*user), f"127.8.0.{n + 1}") for n, user in enumerate(USERS)]
        while not crowd.answers[b"429"]:
            assert status_of_login(login_gate, basic(*USERS[0]), "127.8.0.1") == 200

    assert first == again == [200] * len(USERS)
    assert crowd.answers[b"407"] >= SOURCES, "guesses are checked as well"
    assert not crowd.answers[b"200"]
