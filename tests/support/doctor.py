"""Run `licensegate doctor` as an operator does, in a network namespace with its own DNS, and read its report."""

import contextlib
import datetime
import json
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from support.authority import Leaf
from support.dns_server import DnsServer, Zone
from support.gate import COMMAND, Gate
from support.licensing_exchange import HOST, TARGET
from support.network import Network
from support.programs import run_within
from support.upstream import Upstream

PUBLIC = "72.163.4.38"
"""A public address that a test's network gives to its loopback: the gate dials no other kind."""

GATE = "127.0.0.1:3128"

SETTINGS = f"""
[[listen]]
address = "{GATE}"
[allowlist]
presets = []
[[allowlist.rule]]
host = "{HOST}"
[admin]
listen = ""
[log]
access = "access.jsonl"
"""

ZONE: Zone = {(HOST, "A"): (PUBLIC,), (HOST, "AAAA"): ()}
_SECONDS = 80


class Examined(Struct, frozen=True):
    """A report of the doctor: its exit status, its standard error, and its steps by subject and name."""

    status: int
    stderr: str
    steps: Mapping[tuple[str, str], Mapping[str, Any]]

    def verdict(self, name: str, subject: str = TARGET) -> str:
        return str(self.steps[subject, name]["verdict"])

    def assert_step(self, name: str, verdict: str, seen: str, cure: str, subject: str = TARGET) -> None:
        """Assert how a step ended, and words of what it saw and of its cure."""
        step = self.steps[subject, name]
        assert (step["verdict"], seen in step["seen"], cure in step["cure"]) == (verdict, True, True), step


def examine(folder: Path, *arguments: str | Path, inside: Sequence[str] = ()) -> Examined:
    """Run the doctor with the settings in `folder` and read its JSON."""
    command = (*inside, COMMAND, "doctor", "--json", "--config", folder / "licensegate.toml", *arguments)
    done = run_within(_SECONDS, *command)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["schema"] == 1
    steps = {(step["subject"], step["name"]): {"cure": "", **step} for step in report["steps"]}
    return Examined(done.returncode, done.stderr, steps)


class Practice(Struct, frozen=True):
    """A network with a DNS server and a running gate."""

    network: Network
    dns_server: DnsServer
    gate: Gate
    folder: Path

    def examine(self, *arguments: str | Path) -> Examined:
        """Run the doctor in the network."""
        return examine(self.folder, *arguments, inside=self.network.inside)

    def listen(self, address: str = PUBLIC, port: int = 443) -> socket.socket:
        """A listening socket in the network."""
        made = self.network.new_socket()
        made.settimeout(None)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen()
        return made


@contextlib.contextmanager
def open_practice(folder: Path, settings: str = SETTINGS, roots: Path | None = None) -> Iterator[Practice]:
    """Start everything but the target. `roots` are taken for public ones."""
    if roots is not None:
        settings = f'{settings}\n[probe]\nroots = "{roots}"\n'
    resolv_conf = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
    with (
        Network(folder, {}, PUBLIC, resolv_conf=resolv_conf) as network,
        DnsServer(network.new_datagram_socket(), ZONE) as dns_server,
        Gate(folder, settings, prefix=network.inside) as gate,
    ):
        yield Practice(network, dns_server, gate, folder)


class DatedServer(Upstream):
    """A TLS server that answers every request with 200, and a Date that is so far off."""

    def __init__(self, leaf: Leaf, ahead: datetime.timedelta, listener: socket.socket) -> None:
        super().__init__(self._answer, listener)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(leaf.chain, leaf.key)
        self._ahead = ahead

    def _answer(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secure:
            request = b""
            while b"\r\n\r\n" not in request:
                data = secure.recv(4096)
                if not data:
                    return
                request += data
            date = format_datetime(datetime.datetime.now(datetime.UTC) + self._ahead, usegmt=True)
            secure.sendall(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())
