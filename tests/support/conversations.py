"""Conversations by themselves: who speaks, what is said, what is in force. Imports the gate's code; knows no socket."""

from cryptography.x509 import DNSName

from licensegate.allowlist.policy import Mode, Policy
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.certs.identity import ServerIdentity, server_context
from licensegate.proxy.auth.sources import DEFAULT_NETWORKS, Sources
from licensegate.proxy.census import Census
from licensegate.proxy.checks import Checks
from licensegate.proxy.commands import Command, Refuse
from licensegate.proxy.conversation import Conversation
from licensegate.proxy.record import open_record
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.proxy.snapshot import Snapshot
from support.certificates import issue
from support.hellos import in_records, message, server_name

CLIENT, STRANGER, BALANCER = "10.1.2.3", "203.0.113.9", "10.0.0.5"

LIMITS = Limits(head_bytes=512, tunnels=8, tunnels_per_client=4)
NO_CHECKS = TunnelChecks(require_tls=False, match_server_name=False)
SATELLITE = Rule("satellite.example", 8443, private=True)
OWN_NAME, ANOTHER_OWN_NAME = "gate.example", "proxy.example.net"
IDENTITY = ServerIdentity(server_context(), [issue(names=(DNSName(OWN_NAME),)).pem], [ANOTHER_OWN_NAME], "the test")
"""The gate's certificate has one of its names, and the settings the other."""

HOST = "tools.cisco.com"
HEAD = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: tools.cisco.com\r\nUser-Agent: Apache-HttpClient/4.5.13\r\n\r\n"


def in_force(
    *rules: Rule,
    mode: Mode = Mode.ENFORCE,
    checks: Checks | None = None,
    limits: Limits = LIMITS,
    identity: ServerIdentity | None = IDENTITY,
) -> Snapshot:
    """The preset cisco-licensing, these rules, and the usual clients."""
    policy = Policy(["cisco-licensing"], rules, load_presets(), mode)
    return Snapshot(Sources(DEFAULT_NETWORKS), policy, limits, checks or Checks(TunnelChecks()), identity)


SNAPSHOT = in_force(SATELLITE)
UNCHECKED = in_force(SATELLITE, checks=Checks(NO_CHECKS))
"""The same, but that nothing is asked of what a tunnel carries."""


def begun(
    snapshot: Snapshot = SNAPSHOT,
    *,
    client: str = CLIENT,
    census: Census | None = None,
    behind_balancer: bool = False,
) -> Conversation:
    """A conversation with a client that has just been accepted."""
    census = census or Census()
    census.enter(client)
    record = open_record(client, 40000, "0.0.0.0:3128")
    return Conversation(snapshot, census, record, behind_balancer=behind_balancer)


def connect(target: bytes) -> bytes:
    """The head that asks for this target, and says nothing else."""
    return b"CONNECT " + target + b" HTTP/1.1\r\n\r\n"


def hello(name: str = "") -> bytes:
    """A ClientHello that asks for this name, or for none."""
    return in_records(message(*([server_name(name.encode())] if name else [])))


def asked_inside(conversation: Conversation, *pieces: bytes) -> Command:
    """What follows from the last of the pieces that a client says once its target is connected."""
    command = conversation.connected()
    for piece in pieces:
        command = conversation.received(piece)
    return command


def status_line(command: Command) -> str:
    """The status line of a refusal by HTTP."""
    assert isinstance(command, Refuse)
    return command.answer.partition(b"\r\n")[0].decode()


def alert_in(command: Command, *, behind: bytes = b"") -> int:
    """The description in the fatal alert of a refusal, and nothing but `behind` stands before it."""
    assert isinstance(command, Refuse)
    assert command.answer.startswith(behind)
    record = command.answer.removeprefix(behind)
    assert (record[:6], len(record)) == (b"\x15\x03\x03\0\x02\x02", 7)
    return record[6]
