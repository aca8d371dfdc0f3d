"""`licensegate test-rule`: decides about one CONNECT as the gate would, but without DNS and without connecting."""

import argparse
import os
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.clients import NOBODY, Identity
from licensegate.allowlist.target import is_address
from licensegate.app.settings import Settings
from licensegate.app.terminal import complain, readers_language, say, say_json
from licensegate.language.language import ENGLISH, Language
from licensegate.language.phrases import reworded
from licensegate.proxy.auth.authenticator import Authenticator
from licensegate.proxy.auth.nonces import Nonces
from licensegate.proxy.auth.request import AuthRequest
from licensegate.proxy.auth.result import Admitted, AuthResult
from licensegate.proxy.auth.state import AuthState
from licensegate.proxy.auth.users import Users
from licensegate.proxy.dial.address_selection import allowed_addresses, explain_refusal, known_address
from licensegate.proxy.dial.loop_guard import LoopGuard
from licensegate.proxy.parent.settings import ParentSettings, ParentTarget
from licensegate.proxy.protocol.commands import Dial
from licensegate.proxy.protocol.conversation import Conversation
from licensegate.proxy.protocol.hellos_in_flight import HellosInFlight
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.protocol.tunnel_counter import TunnelCounter
from licensegate.records.outcome import Outcome, Stage
from licensegate.records.record import open_record
from licensegate.records.secret import Secret

from .layout import json_text
from .not_looked_at import not_looked_at
from .settings_file import load_or_exit

NOTES: Final = """\
exit status:
  0  allowed, or passes in report-only mode
  1  refused
  2  the command line or the settings cannot be used
"""


class RuleTestError(ValueError):
    """The client or the target is invalid."""


RULE_TEST_SCHEMA: Final = 1
"""Raised by one when a key of `--json` changes its name or meaning; a new key does not raise it."""


class RuleTest(Struct, frozen=True, kw_only=True):
    """The decision about `target`, as `--json` prints it (`docs/terminal.md`).

    `outcome`, `status`, `sentence` and `remedy` are those of a refusal, else empty and 0. `rule` and `preset` allow the
    target to clients of `network`; `reported` is the refusal that report-only mode does not enforce. `not_looked_at`
    are the other things that decide whether the tunnel works.
    """

    schema: int = RULE_TEST_SCHEMA
    allowed: bool
    client: str
    target: str
    outcome: str = ""
    status: int = 0
    sentence: str = ""
    remedy: str = ""
    network: str = ""
    rule: str = ""
    preset: str = ""
    reported: str = ""
    not_looked_at: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The decision in English, in several lines."""
        return self.in_words(ENGLISH)

    def in_words(self, language: Language) -> str:
        """The decision for people, in several lines."""
        if not self.allowed:
            refused = language.gettext("refused: {outcome} ({status})")
            said = (reworded(self.sentence, language), reworded(self.remedy, language))
            return "\n".join([refused.format(outcome=self.outcome, status=self.status), *said])
        if self.reported:
            decision = language.gettext(
                "passes\ntarget  {target} would be refused ({reported}), but report-only mode lets it pass"
            )
        else:
            decision = language.gettext("allowed\nclient  {client} is in {network}\ntarget  {target} by {rule}")
        known = {"client": self.client, "network": self.network, "target": self.target, "rule": self.rule}
        rest = ", ".join(reworded(each, language) for each in self.not_looked_at)
        not_seen = language.gettext("not looked at: {things}").format(things=rest)
        return f"{decision.format(**known, reported=self.reported)}\n{not_seen}"


class _AssumedLogin(Authenticator):
    """Takes the given identity as logged in; without one, decides as the gate does. Needs no file of users."""

    def __init__(self, settings: Settings, identity: Identity) -> None:
        super().__init__(settings.auth.logins, Users({}, {}), Nonces(Secret(b"")), AuthState())
        self._identity = identity

    def authenticate(self, request: AuthRequest) -> AuthResult:
        return super().authenticate(request) if self._identity == NOBODY else Admitted(self._identity)


def judge(settings: Settings, client: str, target: str, identity: Identity = NOBODY) -> RuleTest:
    """Decide about a CONNECT to `target` from `client`, logged in as `identity`. Raises RuleTestError."""
    try:
        ip_address(client)
    except ValueError:
        raise RuleTestError(f"{client!r} is not an IP address; write the client's, like 10.1.2.3") from None
    if any(map(str.isspace, target)):
        raise RuleTestError(f"{target!r} is not a target, like tools.cisco.com:443: it contains a blank")
    sources = ClientNetworks(settings.client_networks)
    record = open_record(client, 0, "test-rule")
    checks = ChecksByClient(settings.tunnel, settings.tunnel_networks)
    authenticator = _AssumedLogin(settings, identity)
    snapshot = Snapshot(sources, settings.policy, settings.limits, checks, identity=None, authenticator=authenticator)
    conversation = Conversation(snapshot, TunnelCounter(), HellosInFlight(), record)
    command = conversation.received(b"CONNECT %b HTTP/1.1\r\n\r\n" % os.fsencode(target))
    if isinstance(command, Dial):
        refusal = _dial_refusal(settings, command)
        if refusal is None:
            return RuleTest(
                allowed=True,
                client=record.client,
                target=str(command.target),
                network=str(sources.network_of(client)),
                rule="" if record.reported else str(command.rule),
                preset=record.preset,
                reported=record.reported,
                not_looked_at=tuple(not_looked_at(settings.parents, settings.dial, command)),
            )
        record.end(*refusal)
    outcome = record.outcome
    if outcome is None:
        raise RuntimeError("the conversation decided nothing about a complete head")
    if outcome.stage is Stage.HEAD:
        raise RuleTestError(f"{outcome.label}: {record.sentence()} {record.remedy()}")
    return RuleTest(
        allowed=False,
        client=record.client,
        target=record.target or target,
        outcome=outcome.label,
        status=outcome.status,
        sentence=record.sentence(),
        remedy=record.remedy(),
        preset=record.preset,
    )


def _dial_refusal(settings: Settings, dial: Dial) -> tuple[Outcome, str] | None:
    """Why the dialer would refuse the target or the parents; None if it would not, or must look addresses up first."""
    loop_guard = _loop_guard(settings)
    return _address_refusal(settings, dial, loop_guard) or _parent_refusal(settings.parents, loop_guard)


def _address_refusal(settings: Settings, dial: Dial, loop_guard: LoopGuard) -> tuple[Outcome, str] | None:
    connect_to = settings.dial.address_of_target
    parent = next(iter(settings.parents.proxies), None)
    if parent is not None and (parent.target is ParentTarget.NAME or dial.target in connect_to):
        return None  # the gate checks no address that only the parent dials
    known = known_address(dial.target, dial.rule, connect_to)
    if known is None:
        return None
    addresses = [known.address]
    if allowed_addresses(addresses, known.port, loop_guard, named_by_operator=known.named_by_operator):
        return None
    return explain_refusal(addresses, known.port, loop_guard)


def _parent_refusal(parents: ParentSettings, loop_guard: LoopGuard) -> tuple[Outcome, str] | None:
    """Each parent is an address of the gate itself, and there is no other way."""
    proxies = parents.proxies
    if parents.direct or not all(is_address(each.host) and loop_guard.has(each.host, each.port) for each in proxies):
        return None
    if len(proxies) == 1:
        return Outcome.PARENT_IS_GATE, proxies[0].host
    return Outcome.PARENTS_EXHAUSTED, "; ".join(f"{Outcome.PARENT_IS_GATE.label} ({each.host})" for each in proxies)


def _loop_guard(settings: Settings) -> LoopGuard:
    """The addresses that the gate would listen on, if it ran on this host."""
    loop_guard = LoopGuard()
    for address in filter(None, (*settings.listen, settings.admin.listen)):
        loop_guard.add(address.host, address.port)
    return loop_guard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file")
    parser.add_argument("--user", metavar="NAME", default="", help="decide as if the client had logged in as this user")
    parser.add_argument(
        "--certificate",
        metavar="NAME",
        action="append",
        default=[],
        help="decide as if its certificate contained this name; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON: docs/terminal.md")
    parser.add_argument("client", metavar="CLIENT", help="the client's IP address")
    parser.add_argument("target", metavar="HOST:PORT", help="the target, as in its CONNECT")


def run(arguments: argparse.Namespace) -> int:
    """Print the decision about one CONNECT."""
    settings = load_or_exit(arguments.config)
    try:
        identity = Identity(arguments.user, tuple(arguments.certificate))
        result = judge(settings, arguments.client, arguments.target, identity)
    except RuleTestError as error:
        return complain(str(error))
    if arguments.json:
        say_json(json_text(result))
    else:
        say(result.in_words(readers_language()))
    return 0 if result.allowed else 1
