"""The gate of the demo: `licensegate serve` in a process of its own, with a settings file like an operator's."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from licensegate.ledger.entries import LedgerEntry
from licensegate.ledger.transfer import export_lines

from .address import LOOPBACK
from .clients import DemoClient
from .parent import USER, CorporateProxy
from .processes import PYTHON, Process, Processes

_PROGRAM: Final = (*PYTHON, "licensegate.app")
_PASSWORD_FILE: Final = "parent.secret"  # noqa: S105  # a file's name
LOOKED: Final = (0, 1)
"""The statuses of `licensegate probe` after its looks: all is well, or something is wrong with a target."""

_STATE: Final = '[state]\ndirectory = "state"\n'
_READY: Final = re.compile(rf"ready: .*?listening on {re.escape(LOOPBACK)}:([0-9]+).*?admin on ([0-9.:]+)")


class DemoGate(Struct, frozen=True):
    """The running gate: its port for clients, the address of its admin pages, and its settings file."""

    port: int
    admin: str
    settings: Path

    @property
    def page(self) -> str:
        """The URL of its first page."""
        return f"http://{self.admin}/"


def settings_text(
    stand_ins: Mapping[str, int], clients: Sequence[DemoClient], parent: CorporateProxy | None, root: Path
) -> str:
    """The settings: stand-ins by host and port, named clients, the parent, and the root that counts as a public one."""
    return "\n".join(_tables(stand_ins, clients, parent, root))


def _tables(
    stand_ins: Mapping[str, int], clients: Sequence[DemoClient], parent: CorporateProxy | None, root: Path
) -> Iterator[str]:
    yield f"""\
[[listen]]
address = "{LOOPBACK}:0"

[admin]
listen = "{LOOPBACK}:0"

[allowlist]
presets = ["cisco-licensing"]

[dial]
connect_to = {json.dumps([f"{host}:443:{LOOPBACK}:{port}" for host, port in stand_ins.items()])}

[probe]
roots = {json.dumps(str(root))}

{_STATE}
[log]
access = "access.jsonl"

[limits]
drain_seconds = 0
"""
    for client in clients:
        yield f"""\
[[client]]
name = {json.dumps(client.name)}
networks = ["{client.address}"]
product = "{client.product}"
"""
    if parent is not None:
        yield f"""\
[[parent]]
url = "http://{LOOPBACK}:{parent.port}"
username = "{USER}"
password_file = "{_PASSWORD_FILE}"
"""


def write_settings(processes: Processes, text: str, parent: CorporateProxy | None) -> Path:
    """Write the settings file, and the password for the parent beside it."""
    if parent is not None:
        secret = processes.folder / _PASSWORD_FILE
        secret.touch(mode=0o600)
        secret.write_text(f"{parent.password}\n")
    file = processes.folder / "licensegate.toml"
    file.write_text(text, encoding="utf-8")
    return file


def start_import(processes: Processes, past: Iterable[LedgerEntry]) -> Process:
    """Merge entries into the ledger that the gate will find, by `licensegate ledger import`."""
    (processes.folder / "state").mkdir(mode=0o700)
    export, settings = processes.folder / "past.jsonl", processes.folder / "past.toml"
    export.write_bytes(b"".join(export_lines(past)))
    settings.write_text(_STATE, encoding="utf-8")
    return processes.start("import", *_PROGRAM, "ledger", "--config", settings, "import", export, stays=False)


def start_gate(processes: Processes, settings: Path) -> DemoGate:
    """Start the gate and wait until it is ready. Raises DemoError."""
    process = processes.start("licensegate", *_PROGRAM, "serve", "--config", settings)
    ready = processes.wait_for(process, lambda: _READY.search(process.output.read_text(errors="replace")))
    return DemoGate(int(ready[1]), ready[2], settings)


def start_looks(processes: Processes, gate: DemoGate) -> Process:
    """Have the gate look at each of its targets, by `licensegate probe`."""
    return processes.start("probe", *_PROGRAM, "probe", "--config", gate.settings, stays=False)
