"""A look at a server of the test's own, by the real probe process through a gate in the test's event loop."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from licensegate.allowlist.rule import Rule
from licensegate.allowlist.target import Target
from licensegate.app.service.probe_process import run_look
from licensegate.diagnosis.target_report import TargetReport
from licensegate.proxy.dial.settings import ConnectTo, DialSettings, DnsSettings
from licensegate.proxy.gate import Gate
from licensegate.proxy.parent.settings import ParentSettings
from licensegate.proxy.settings import Limits, TunnelChecks
from licensegate.records.record import TunnelRecord
from support.certificates import Issued, issue
from support.sockets import run
from support.tunnel_harness import one_target_snapshot
from support.upstream import Upstream

HOST = "gate.example"
ROOT = issue("look root", authority=True)
"""A root that a look takes for a public one."""


class Looked:
    """A report, and the records of the gate meanwhile."""

    def __init__(self, report: TargetReport, records: list[TunnelRecord]) -> None:
        self.report = report
        self.records = records


def look_at(port: int, folder: Path, *, host: str = HOST, private: bool = False, ca: Issued | None = None) -> Looked:
    """Look at this port of 127.0.0.1, which is the target `host`."""
    roots, own = folder / "roots.pem", folder / "own.pem"
    roots.write_bytes(ROOT.pem)
    if ca is not None:
        own.write_bytes(ca.pem)
    rule = Rule(host, 443, private=private, ca=str(own) if ca is not None else "")
    records: list[TunnelRecord] = []

    async def main() -> TargetReport:
        dial = DialSettings(connect_to=(ConnectTo(host, 443, "127.0.0.1", port),))
        gate = Gate(
            one_target_snapshot(Limits(), 443, TunnelChecks(), None), dial, DnsSettings(), ParentSettings(),
            [records.extend],
        )  # fmt: skip
        try:
            return await run_look(gate, Target(host, 443), rule, roots)
        finally:
            gate.close()

    return Looked(run(main()), records)


def tls_server(folder: Path, *chain: Issued) -> ssl.SSLContext:
    """A server's TLS settings with this chain."""
    certificate, key = chain[0].write(folder, *chain[1:], stem="server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def answering(context: ssl.SSLContext, *, ahead: timedelta = timedelta(), status: str = "200 OK") -> Upstream:
    """A server of HTTP over TLS, whose clock is so far ahead."""

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
            secure.sendall(f"HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())

    return Upstream(serve)
