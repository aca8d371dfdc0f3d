"""What the pages cost with 5,000 clients in the ledger: processor time of the gate for one page.

.venv/bin/python bench/pages.py
"""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from licensegate.ledger.clients import ClientKey, ClientKind  # noqa: E402
from licensegate.ledger.entries import ContactEntry, DayEntry, HourEntry, LedgerEntry  # noqa: E402
from licensegate.ledger.transfer import export_lines  # noqa: E402
from support.admin_client import ANY_PORT, get_page  # noqa: E402
from support.gate import COMMAND, Gate, gate_settings  # noqa: E402
from support.programs import run_within  # noqa: E402

CLIENTS: Final = 5000
TIMES: Final = 5
PAGES: Final = ("/", "/clients", "/clients?page=50", "/clients?q=10.7.", "/client?key=address:10.7.7.7", "/api/clients")
IMPORT_SECONDS: Final = 300


def entries(now: datetime) -> list[LedgerEntry]:
    """Ten contacts of each client."""
    made: list[LedgerEntry] = []
    for number in range(CLIENTS):
        client = ClientKey(ClientKind.ADDRESS, f"10.{number // 250}.{number % 250}.7")
        for day in range(10):
            time = now - timedelta(days=day * 9 + number % 7)
            made += [
                DayEntry(client=client, target="tools.cisco.com:443", day=time.date(), connections=1, answered=1),
                ContactEntry(client=client, target="tools.cisco.com:443", first_success=time, last_success=time),
                HourEntry(client=client, time=time),
            ]
    return made


def main() -> int:
    """Measure each page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "state").mkdir(mode=0o700)
        settings = gate_settings(admin=ANY_PORT, more='[state]\ndirectory = "state"\n')
        (folder / "licensegate.toml").write_text(settings)
        lines = b"".join(export_lines(entries(datetime.now(UTC))))
        done = run_within(
            IMPORT_SECONDS, COMMAND, "ledger", "--config", folder / "licensegate.toml", "import", stdin=lines
        )
        if done.returncode:
            sys.exit(done.stderr)
        with Gate(folder, settings) as gate:
            print(f"{CLIENTS} clients in the ledger\n\nms of processor time, the first time and then\n")
            for path in PAGES:
                costs = []
                for _ in range(TIMES):
                    before = gate.processor_seconds()
                    page = get_page(gate, path)
                    costs.append((gate.processor_seconds() - before) * 1000)
                rest = sum(costs[1:]) / (TIMES - 1)
                print(f"{path:32} {page.status} {len(page.body):8} bytes {costs[0]:6.0f} {rest:6.0f}")
            print(f"\n{gate.resident_bytes() / 1e6:.0f} MB of memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
