"""Everything that the stories need, running: the stand-ins, the company's proxy, and the gate with its past."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.ledger.entries import LedgerEntry

from .authority import Authority
from .clients import DemoClient
from .gate import DemoGate, settings_text, start_gate, start_import, start_looks, write_settings
from .parent import CorporateProxy, start_parent
from .processes import DemoError, Process, Processes
from .stand_ins import StandIn

CALL_HOME: Final = "tools.cisco.com"
LOGIN: Final = "cloudsso.cisco.com"
SMART_TRANSPORT: Final = "smartreceiver.cisco.com"
INTERCEPTED: Final = "api.cisco.com"
"""A device that breaks TLS open stands before it."""


class Lab(Struct, frozen=True):
    """What runs. `root` is the file of the root that signs for the stand-ins.

    `looks` ends once the gate has looked at its targets, which tells it why a client rejects a certificate.
    """

    gate: DemoGate
    parent: CorporateProxy | None
    root: Path
    looks: Process


@contextlib.contextmanager
def open_lab(
    processes: Processes, clients: Sequence[DemoClient], past: Iterable[LedgerEntry], *, with_parent: bool
) -> Iterator[Lab]:
    """Start everything, the company's proxy only `with_parent`. Raises DemoError if a process does not start."""
    authority = Authority(processes.folder, "LicenseGate demo CA")
    inspection = Authority(processes.folder, "Example Corp TLS Inspection")
    contexts = {host: authority.server_context(host) for host in (CALL_HOME, LOGIN, SMART_TRANSPORT)}
    contexts[INTERCEPTED] = inspection.server_context(INTERCEPTED)
    with contextlib.ExitStack() as running:
        ports = {host: running.enter_context(StandIn(context)).server_port for host, context in contexts.items()}
        importing = start_import(processes, past)
        parent = start_parent(processes) if with_parent else None
        settings = write_settings(processes, settings_text(ports, clients, parent, authority.root), parent)
        if processes.finish(importing) != 0:
            raise DemoError(f"the ledger cannot be prepared: {importing.last_line()}")
        gate = start_gate(processes, settings)
        yield Lab(gate, parent, authority.root, start_looks(processes, gate))
