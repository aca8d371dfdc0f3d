"""Looks at targets by the real probe process, and findings of a diagnosis that has them. Imports the gate's code."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.service.probe_process import run_look
from licensegate.diagnosis.diagnosis import Diagnosis
from licensegate.diagnosis.target_report import TargetReport
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.gate import Gate
from licensegate.proxy.parent.settings import ParentProxy, ParentSettings
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.records.finding import Finding
from licensegate.records.record import TunnelRecord
from support.sockets import run
from support.tunnel_harness import one_target_snapshot

_AT_ONCE = 3


def look_at_all(ports: Mapping[str, int], roots: Path, parent: int | None = None) -> Mapping[str, TargetReport]:
    """Look at these hosts, each at its port of 127.0.0.1, directly or through a parent on this port.

    The certificates in the file `roots` count as public ones.
    """

    async def one(gate: Gate, host: str, turn: asyncio.Semaphore) -> TargetReport:
        async with turn:
            return await run_look(gate, Target(host, 443), Rule(host, 443), roots)

    async def main() -> list[TargetReport]:
        dial = DialSettings(connect_to=tuple(ConnectTo(host, 443, "127.0.0.1", port) for host, port in ports.items()))
        parents = ParentSettings((ParentProxy("127.0.0.1", parent),), direct=False) if parent else ParentSettings()
        snapshot = one_target_snapshot(Limits(), 443, TunnelChecks(), None)
        gate = Gate(snapshot, dial, DnsSettings(), parents, [])
        turn = asyncio.Semaphore(_AT_ONCE)
        try:
            return await asyncio.gather(*(one(gate, host, turn) for host in ports))
        finally:
            gate.close()

    return dict(zip(ports, run(main()), strict=True))


def explained(record: Mapping[str, Any], report: TargetReport) -> Finding | None:
    """The finding for a line of the access log, by a diagnosis that has looked at its target."""
    decoded = msgspec.convert(record, TunnelRecord)
    decoded.finding, decoded.certainty, decoded.evidence = "", None, ""
    diagnosis = Diagnosis()
    diagnosis.seen(report)
    return diagnosis.explain(decoded)
