"""A gate in the doctor's own process: it dials as the settings say, and serves only this host.

So the examined way has the resolver, address checks, parents and logins of the served gate's tunnels, whether that runs
or not.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable
from ipaddress import ip_network
from typing import Final

from msgspec import structs

from licensegate.allowlist.client_networks import ClientNetworks
from licensegate.allowlist.policy import Policy
from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.service.probe_process import run_look
from licensegate.app.settings import Settings
from licensegate.diagnosis.target_report import TargetReport
from licensegate.proxy.gate import Gate
from licensegate.proxy.protocol.snapshot import Snapshot
from licensegate.proxy.protocol.tunnel_checks import ChecksByClient
from licensegate.proxy.settings import ListenAddress, TunnelChecks
from licensegate.records.record import TunnelRecord

_LISTEN: Final = ListenAddress("127.0.0.1", 0)
_CLIENTS: Final = ClientNetworks([ip_network("127.0.0.0/8")])


class OwnGate:
    """The doctor's gate. `address` is where it listens; `records` are those of its ended tunnels, the newest last."""

    def __init__(self, settings: Settings, rules: Iterable[Rule]) -> None:
        open_to_all = [
            structs.replace(rule, preset="", report=False, users=(), networks=(), certificates=()) for rule in rules
        ]
        checks = ChecksByClient(TunnelChecks(), ())
        snapshot = Snapshot(_CLIENTS, Policy((), open_to_all, {}), settings.limits, checks, identity=None)
        self._roots = settings.looks.roots
        self.records: list[TunnelRecord] = []
        self._gate = Gate(snapshot, settings.dial, settings.dns, settings.parents, [self.records.extend])
        for served in filter(None, (*settings.listen, settings.admin.listen)):
            self._gate.loop_guard.add(served.host, served.port)
        self._gate.listen([_LISTEN])
        listener = self._gate.listeners[0]
        self.address = ListenAddress(listener.host, listener.port)

    async def dial(self, target: Target, rule: Rule) -> TunnelRecord:
        """Connect to a target directly or through a parent, as for a tunnel, and hang up."""
        return await self._gate.probe(target, rule)

    async def look(self, target: Target, rule: Rule) -> TargetReport:
        """Shake hands with a target in a process of its own. Raises ProbeFailedError."""
        return await run_look(self._gate, target, rule, self._roots)

    def close(self) -> None:
        """Cut what is open."""
        self._gate.close()


@contextlib.asynccontextmanager
async def open_own_gate(settings: Settings, rules: Iterable[Rule]) -> AsyncIterator[OwnGate]:
    """Serve inside the block."""
    gate = OwnGate(settings, rules)
    try:
        yield gate
    finally:
        gate.close()
