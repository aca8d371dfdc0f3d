"""Conversations without sockets: their snapshots, and what clients send."""

from ipaddress import ip_network

from cryptography.x509 import DNSName
from msgspec import structs

from licensegate.allowlist.client_networks import DEFAULT_NETWORKS, ClientNetworks, Network
from licensegate.allowlist.policy import Mode, Policy
from licensegate.allowlist.preset import load_presets
from licensegate.allowlist.rule import Rule
from licensegate.certs.identity import ServerIdentity, server_context
from licensegate.proxy.auth.authenticator import Authenticator
from licensegate.proxy.auth.nonces import Nonces
from licensegate.proxy.auth.password_hash import read_hash
from licensegate.proxy.auth.scheme import DIGESTS, Scheme
from licensegate.proxy.auth.settings import LoginSettings
from licensegate.proxy.auth.state import AuthState
from licensegate.proxy.auth.users import Users
from licensegate.proxy.protocol.commands import Command, Refuse
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.hellos_in_flight import HellosInFlight
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.state_machine import Explain, no_finding
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.records.record import open_record
from licensegate.records.secret import Secret
from support.certificates import issue
from support.client_hellos import hello_message, in_records, server_name_extension
from support.clock import Clock
from support.logins import REALM, USER, basic, htdigest_lines, htpasswd_line, parameters

CLIENT, STRANGER, BALANCER = "10.1.2.3", "203.0.113.9", "10.0.0.5"

TRUSTED = "10.9.9.9"
TRUSTED_NETWORK = ip_network(f"{TRUSTED}/32")

CERTIFICATE = ("cucm-pub", "cucm-pub.example.net")
"""The names in a client certificate."""

LIMITS = Limits(head_bytes=512, tunnels=8, tunnels_per_client=4)
NO_CHECKS = TunnelChecks(require_tls=False, match_server_name=False)
SATELLITE = Rule("satellite.example", 8443, private=True)
OWN_NAME, ANOTHER_OWN_NAME = "gate.example", "proxy.example.net"
IDENTITY = ServerIdentity(server_context(), [issue(names=(DNSName(OWN_NAME),)).pem], [ANOTHER_OWN_NAME], "the test")
"""The certificate has OWN_NAME, the settings have ANOTHER_OWN_NAME."""

HOST = "tools.cisco.com"
HEAD = b"CONNECT tools.cisco.com:443 HTTP/1.1\r\nHost: tools.cisco.com\r\nUser-Agent: Apache-HttpClient/4.5.13\r\n\r\n"


def make_snapshot(
    *rules: Rule,
    mode: Mode = Mode.ENFORCE,
    checks: ChecksByClient | None = None,
    limits: Limits = LIMITS,
    identity: ServerIdentity | None = IDENTITY,
    authenticator: Authenticator | None = None,
) -> Snapshot:
    """A snapshot with the preset cisco-licensing, these rules, and clients of the default networks."""
    policy = Policy(["cisco-licensing"], rules, load_presets(), mode)
    return Snapshot(
        ClientNetworks(DEFAULT_NETWORKS),
        policy,
        limits,
        checks or ChecksByClient(TunnelChecks()),
        identity,
        authenticator,
    )


_HA1 = (line.rpartition(":")[2] for line in htdigest_lines().split())
_USERS = Users(
    {USER: read_hash(htpasswd_line().rstrip().partition(":")[2])},
    {scheme: {USER: secret} for scheme, secret in zip(DIGESTS, _HA1, strict=True)},
)


_ANOTHER = Users(
    {f"not {USER}": read_hash(htpasswd_line().rstrip().partition(":")[2])},
    {scheme: {f"not {USER}": "0" * 64} for scheme in DIGESTS},
)


def make_authenticator(
    *trusted: Network,
    required: bool = True,
    schemes: frozenset[Scheme] = frozenset(Scheme),
    clock: Clock | None = None,
    without_user: bool = False,
) -> Authenticator:
    """An authenticator with one user, for every scheme; with another user if `without_user`."""
    clock = clock or Clock()
    logins = LoginSettings(required, schemes, REALM, trusted)
    users = _ANOTHER if without_user else _USERS
    return Authenticator(logins, users, Nonces(Secret(b"k" * 32), clock), AuthState(clock))


SNAPSHOT = make_snapshot(SATELLITE)
UNCHECKED_SNAPSHOT = make_snapshot(SATELLITE, checks=ChecksByClient(NO_CHECKS))
"""SNAPSHOT without checks of a tunnel's first bytes."""


def login_snapshot(authenticator: Authenticator | None = None) -> Snapshot:
    """SNAPSHOT with logins required, by default with a new authenticator."""
    return structs.replace(SNAPSHOT, authenticator=authenticator or make_authenticator())


def start_conversation(
    snapshot: Snapshot = SNAPSHOT,
    *,
    client: str = CLIENT,
    counter: TunnelCounter | None = None,
    hellos: HellosInFlight | None = None,
    behind_balancer: bool = False,
    schemes: frozenset[Scheme] | None = None,
    explain: Explain = no_finding,
) -> Conversation:
    """A conversation with a newly accepted client."""
    counter = counter or TunnelCounter()
    hellos = HellosInFlight() if hellos is None else hellos
    record = open_record(client, 40000, "0.0.0.0:3128")
    own = snapshot.for_listener(schemes)
    return Conversation(own, counter, hellos, record, behind_balancer=behind_balancer, explain=explain)


def connect_head(target: bytes) -> bytes:
    """A CONNECT request for this target without fields."""
    return b"CONNECT " + target + b" HTTP/1.1\r\n\r\n"


def head_with_login(*values: str, head: bytes = HEAD) -> bytes:
    """The head with these values of Proxy-Authorization, by default the right Basic login."""
    fields = "".join(f"Proxy-Authorization: {value}\r\n" for value in values or (basic(),))
    return head[:-2] + fields.encode() + b"\r\n"


def hello(name: str = "") -> bytes:
    """A ClientHello with this server name, or without one."""
    return in_records(hello_message(*([server_name_extension(name.encode())] if name else [])))


def receive_in_tunnel(conversation: Conversation, *pieces: bytes) -> Command:
    """Report the target as connected, then receive these pieces. Returns the last command."""
    command = conversation.connected()
    for piece in pieces:
        command = conversation.received(piece)
    return command


def status_line(command: Command) -> str:
    """The status line of an HTTP refusal."""
    assert isinstance(command, Refuse)
    return command.answer.partition(b"\r\n")[0].decode()


def alert_code(command: Command, *, behind: bytes = b"") -> int:
    """The code of the fatal alert in a refusal. Asserts that only `behind` precedes it."""
    assert isinstance(command, Refuse)
    assert command.answer.startswith(behind)
    record = command.answer.removeprefix(behind)
    assert (record[:6], len(record)) == (b"\x15\x03\x03\0\x02\x02", 7)
    return record[6]


def refusal_fields(command: Command, name: str) -> list[str]:
    """The values of a field of a refusal, in order."""
    assert isinstance(command, Refuse)
    lines = command.answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return [value for line in lines for field, _, value in [line.partition(": ")] if field == name]


def challenges(command: Command) -> dict[str, str]:
    """The challenges of a refusal by algorithm, with "Basic" for Basic."""
    return {parameters(text).get("algorithm", "Basic"): text for text in refusal_fields(command, "Proxy-Authenticate")}


def start_with_certificate(
    snapshot: object = None, names: tuple[str, ...] = CERTIFICATE, **more: object
) -> Conversation:
    """A conversation whose client presented a certificate with these names."""
    conversation = start_conversation(snapshot or login_snapshot(), **more)  # type: ignore[arg-type]
    conversation.received(hello())
    conversation.secured("TLSv1.3", "; ".join(names), names)
    return conversation
