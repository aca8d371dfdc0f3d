"""Two gates behind HAProxy serve the day of a fleet. Both keep their contacts in one PostgreSQL.

HAProxy runs with the configuration on docs/fleet.md, with other addresses. Each tunnel carries a recorded exchange.
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles

import processes
import psycopg
from credentials import certificate
from exchange import record
from fleet_load import Day, FleetClient
from gates import TARGET_HOST
from report import FleetRun
from rounds import origin
from route import Route
from running import Instance, UnavailableError, executable, running

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.fleet_page import BALANCER, GATES, Ports, haproxy_configuration
from support.gate import Gate
from support.postgresql import PostgreSql

_SETTINGS = f"""
[[listen]]
address = "{{address}}:{{ports.gate}}"
proxy_protocol_from = ["{BALANCER}"]

[[allowlist.rule]]
host = "{TARGET_HOST}"
port = {{target_port}}
private = true

[admin]
listen = "{{address}}:{{ports.admin}}"
networks = ["{BALANCER}"]

[log]
access = "access.jsonl"
lines_per_client = 0

[probe]
handshake = "off"

[ledger]
url = "{{ledger}}"
"""


def run(day: Day, ledger: str = "") -> FleetRun:
    """Serve the day, with the ledger in this empty database, or in a server of its own. Raises UnavailableError."""
    with contextlib.ExitStack() as stack:
        ledger = ledger or stack.enter_context(_database())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        exchange = record(TARGET_HOST, *certificate(folder))
        (target_port,) = stack.enter_context(origin(1, folder, exchange))
        ports = Ports.free()
        gates = []
        for number, address in enumerate(GATES):
            place = folder / f"gate{number}"
            place.mkdir()
            settings = _SETTINGS.format(address=address, ports=ports, target_port=target_port, ledger=ledger)
            gates.append(stack.enter_context(Gate(place, settings)))
        balancer = Instance(folder, ports.front, target_port)
        configuration = balancer.write("haproxy.cfg", haproxy_configuration(ports, folder / "haproxy.sock"))
        command = [executable("haproxy", "haproxy"), "-db", "-f", str(configuration)]
        haproxy = stack.enter_context(running(command, balancer))
        client = FleetClient(Route(ports.front, TARGET_HOST, target_port, exchange=exchange))
        return _served(day, client, gates, haproxy, ledger)


def _served(day: Day, client: FleetClient, gates: Sequence[Gate], haproxy: int, ledger: str) -> FleetRun:
    """Run the client, stop the gates, and compare what each has counted."""
    watched = [*(gate.pid for gate in gates), haproxy]
    before = [processes.cpu_seconds([process]) for process in watched]
    took = client.live(day)
    spent = [processes.cpu_seconds([process]) - earlier for process, earlier in zip(watched, before, strict=True)]
    for gate in gates:
        gate.stop()
    kept = dict(_kept(ledger))
    hundredths = quantiles(client.first_byte, n=100, method="inclusive")
    return FleetRun(
        instances=day.instances,
        sites=day.sites,
        calls_per_day=day.calls_per_day,
        scheduled_seconds=day.seconds,
        tunnels=day.tunnels,
        served=client.served.total(),
        lost=client.lost,
        reasons=client.reasons,
        took_seconds=took,
        p50=hundredths[49],
        p99=hundredths[98],
        latest=client.latest,
        gate_cpu=spent[:-1],
        haproxy_cpu=spent[-1],
        by_gate=[_recorded(gate) for gate in gates],
        in_ledger=sum(connections for connections, _ in kept.values()),
        answered_in_ledger=sum(answered for _, answered in kept.values()),
        sites_agree={site: connections for site, (connections, _) in kept.items()} == dict(client.served),
    )


def _recorded(gate: Gate) -> int:
    """The ended tunnels in a gate's access log."""
    with (gate.folder / "access.jsonl").open("rb") as lines:
        return sum(b'"event":"end"' in line for line in lines)


def _kept(ledger: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Connections and answered contacts of each client in the ledger."""
    with psycopg.connect(ledger) as connection:
        statement = "SELECT client, sum(connections), sum(answered) FROM ledger_days GROUP BY client"
        for client, connections, answered in connection.execute(statement):
            yield client, (int(connections), int(answered))


@contextlib.contextmanager
def _database() -> Iterator[str]:
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        raise UnavailableError("PostgreSQL is not installed: apt-get install --no-install-recommends postgresql")
    with PostgreSql() as server:
        yield server.new_database()
