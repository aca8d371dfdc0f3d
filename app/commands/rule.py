"""`licensegate test-rule`: what the gate would decide of one CONNECT, asked of the gate's own conversation."""

import os
from ipaddress import ip_address

from msgspec import Struct

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.app.settings import Settings
from licensegate.proxy.auth.authenticator import Authenticator
from licensegate.proxy.auth.nonces import Nonces
from licensegate.proxy.auth.result import Admitted, AuthRequest, AuthResult
from licensegate.proxy.auth.state import AuthState
from licensegate.proxy.auth.users import Users
from licensegate.proxy.protocol.commands import Dial
from licensegate.proxy.protocol.connection_counter import ConnectionCounter
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.records.outcome import Stage
from licensegate.records.record import open_record
from licensegate.records.secret import Secret


class UnusableInput(ValueError):  # noqa: N818  the name says it
    """What was typed is not a client and a target."""


class RuleTest(Struct, frozen=True):
    """What would be decided, and why in lines for people."""

    allowed: bool
    text: str


class _Door(Authenticator):
    """The door as it is, but that whoever it is said to be has logged in; it needs no file of users."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        super().__init__(settings.auth.logins, Users({}, {}), Nonces(Secret(b"")), AuthState())
        self._identity = identity

    def judge(self, visit: AuthRequest) -> AuthResult:
        return super().judge(visit) if self._identity == NOBODY else Admitted(self._identity)


def judge(settings: Settings, client: str, target: str, identity: Identity = NOBODY) -> RuleTest:
    """Say what becomes of a CONNECT to `target` from `client`, logged in as `identity`; raises UnusableInput."""
    try:
        ip_address(client)
    except ValueError:
        raise UnusableInput(f"{client!r} is not a client's IP address, like 10.1.2.3") from None
    if any(map(str.isspace, target)):
        raise UnusableInput(f"{target!r} is not a target, like tools.cisco.com:443: it has blanks in it")
    sources = ClientNetworks(settings.client_networks)
    record = open_record(client, 0, "test-rule")
    checks = ChecksByClient(settings.tunnel, settings.tunnel_networks)
    authenticator = _Door(settings, identity)
    snapshot = Snapshot(sources, settings.policy, settings.limits, checks, identity=None, authenticator=authenticator)
    conversation = Conversation(snapshot, ConnectionCounter(), record)
    command = conversation.received(b"CONNECT %b HTTP/1.1\r\n\r\n" % os.fsencode(target))
    if isinstance(command, Dial) and record.reported:
        would = f"refused: {record.reported}, if the allowlist were enforced"
        return RuleTest(True, f"passes, and is recorded as one to refuse\ntarget  {command.target} by {would}")
    if isinstance(command, Dial):
        allowed = f"client  {client} is in {sources.network_of(client)}\ntarget  {command.target} by {command.rule}"
        return RuleTest(True, f"allowed\n{allowed}")
    outcome = record.outcome
    if outcome is None:
        raise RuntimeError("a whole head was left undecided")
    if outcome.stage is Stage.HEAD:
        raise UnusableInput(f"{outcome.label}: {record.sentence()} {record.remedy()}")
    return RuleTest(False, f"refused: {outcome.label} ({outcome.status})\n{record.sentence()}\n{record.remedy()}")
