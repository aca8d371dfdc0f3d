"""A lab for clients: a gate on its default ports, its targets and trust stores, in one network namespace."""

import contextlib
import json
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from support.authority import CISCO_HOSTS, Authority
from support.client_program import GATE_NAME, PORTS, Client, Post, Trust
from support.gate import COMMAND, Gate
from support.java import STORE_PASSWORD
from support.licensing_exchange import ALERT_REFUSALS, HOST, OLD_HOST, OUTSIDE_NAME, REFUSING_HOST
from support.network import Network
from support.programs import run
from support.standin import StandIn

OUTSIDE = "198.51.100.7"
"""An address of the gate in a network whose clients it refuses (TEST-NET-2, RFC 5737)."""

_CLOSED_PORT = 9  # nothing listens on it in a new namespace

_SETTINGS = """
{listen}
[tls]
certificate = "gate.pem"
key = "gate.key"

[clients]
networks = ["127.0.0.0/8"]

[dial]
connect_to = {connect_to}

[probe]
handshake = "off"

[log]
access = "access.jsonl"
"""


class Lab(Struct, frozen=True):
    """Every target is `standin`, except OLD_HOST, which is `old_standin` with TLS 1.2.

    `trust` has all roots that a client needs, `targets_only` all but the gate's certificate, `unrelated` none of them.
    """

    network: Network
    gate: Gate
    standin: StandIn
    old_standin: StandIn
    trust: Trust
    targets_only: Trust
    unrelated: Trust

    def post(self, client: Client, posts: Sequence[Post], trust: Trust | None = None) -> list[str]:
        """Run a client with these POSTs and return what it showed its user for each."""
        return client.post(self.network.inside, trust or self.trust, posts)

    def clear(self) -> None:
        """Clear what earlier tests left: records, requests and connection counts."""
        self.gate.forget_records()
        for standin in (self.standin, self.old_standin):
            standin.received.clear()
            standin.connections = 0


@contextlib.contextmanager
def open_lab(folder: Path, authority: Authority) -> Iterator[Lab]:
    """Start everything. The gate's certificate is made by `licensegate cert make`."""
    local = (GATE_NAME, HOST, *(refused.host for refused in ALERT_REFUSALS))
    names = dict.fromkeys(local, "127.0.0.1") | {OUTSIDE_NAME: OUTSIDE}
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(folder, names, OUTSIDE))
        standin = stack.enter_context(StandIn(authority, listener=network.new_listener()))
        old = StandIn(authority, listener=network.new_listener(), newest=ssl.TLSVersion.TLSv1_2)
        stack.enter_context(old)
        made = run(COMMAND, "cert", "make", f"--name={GATE_NAME}", f"--out={folder}")
        assert made.returncode == 0, made.stderr
        ports = dict.fromkeys(CISCO_HOSTS, standin.port) | {OLD_HOST: old.port, REFUSING_HOST: _CLOSED_PORT}
        settings = _SETTINGS.format(
            listen="".join(f'[[listen]]\naddress = "0.0.0.0:{port}"\n' for port in PORTS),
            connect_to=json.dumps([f"{host}:443:127.0.0.1:{port}" for host, port in ports.items()]),
        )
        gate = stack.enter_context(Gate(folder, settings, prefix=network.inside))
        targets_only = Trust(authority.root, authority.java_truststore(STORE_PASSWORD))
        all_roots = folder / "trusted.pem"
        all_roots.write_bytes(authority.root.read_bytes() + (folder / "gate.pem").read_bytes())
        other = Authority(folder, "LicenseGate other CA")
        unrelated = Trust(other.root, other.java_truststore(STORE_PASSWORD))
        yield Lab(network, gate, standin, old, Trust(all_roots, targets_only.java), targets_only, unrelated)
