"""A gate on every port that clients try, in a network of its own, with its targets and what its clients trust."""

import contextlib
import json
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from support.authority import CISCO_HOSTS, Authority
from support.client import GATE_NAME, PORTS, Client, Trust, Visit
from support.exchange import ALARMS, HOST, OLD_HOST, OUTSIDE_NAME, REFUSING_HOST
from support.gate import COMMAND, Gate
from support.java import STORE_PASSWORD
from support.network import Network
from support.programs import run
from support.standin import StandIn

OUTSIDE = "198.51.100.7"
"""TEST-NET-2, RFC 5737: an address that the gate has, in a network that it does not serve."""

_NOBODY = 9  # the port on which nobody in a new network listens

_SETTINGS = """
{listen}
[tls]
certificate = "gate.pem"
key = "gate.key"

[clients]
networks = ["127.0.0.0/8"]

[dial]
connect_to = {connect_to}

[log]
access = "access.jsonl"
"""


class Place(Struct, frozen=True):
    """`standin` is what every target leads to but one: `old_standin`, which speaks TLS 1.2, is OLD_HOST.

    `trust` is all that a client needs; `targets_only` lacks the gate's own certificate, `nobody` everything.
    """

    network: Network
    gate: Gate
    standin: StandIn
    old_standin: StandIn
    trust: Trust
    targets_only: Trust
    nobody: Trust

    def post(self, client: Client, visits: Sequence[Visit], trust: Trust | None = None) -> list[str]:
        """Have a client post the message as each visit says; what it showed its user each time."""
        return client.post(self.network.inside, trust or self.trust, visits)

    def begin(self) -> None:
        """Forget what earlier tests left behind."""
        self.gate.forget_records()
        for standin in (self.standin, self.old_standin):
            standin.received.clear()
            standin.connections = 0


@contextlib.contextmanager
def place(folder: Path, authority: Authority) -> Iterator[Place]:
    """Everything set up; the gate's certificate is made as an administrator makes one."""
    here = (GATE_NAME, HOST, *(alarm.host for alarm in ALARMS))
    names = dict.fromkeys(here, "127.0.0.1") | {OUTSIDE_NAME: OUTSIDE}
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(folder, names, OUTSIDE))
        standin = stack.enter_context(StandIn(authority, listener=network.new_listener()))
        old = StandIn(authority, listener=network.new_listener(), newest=ssl.TLSVersion.TLSv1_2)
        stack.enter_context(old)
        made = run(COMMAND, "cert", "make", f"--name={GATE_NAME}", f"--out={folder}")
        assert made.returncode == 0, made.stderr
        ports = dict.fromkeys(CISCO_HOSTS, standin.port) | {OLD_HOST: old.port, REFUSING_HOST: _NOBODY}
        settings = _SETTINGS.format(
            listen="".join(f'[[listen]]\naddress = "0.0.0.0:{port}"\n' for port in PORTS),
            connect_to=json.dumps([f"{host}:443:127.0.0.1:{port}" for host, port in ports.items()]),
        )
        gate = stack.enter_context(Gate(folder, settings, prefix=network.inside))
        targets_only = Trust(authority.root, authority.java_truststore(STORE_PASSWORD))
        everybody = folder / "trusted.pem"
        everybody.write_bytes(authority.root.read_bytes() + (folder / "gate.pem").read_bytes())
        stranger = Authority(folder, "LicenseGate other CA")
        nobody = Trust(stranger.root, stranger.java_truststore(STORE_PASSWORD))
        yield Place(network, gate, standin, old, Trust(everybody, targets_only.java), targets_only, nobody)
