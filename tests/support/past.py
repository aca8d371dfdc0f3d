"""A gate with a past: a year of contacts in its ledger, failures of today, and tunnels that are open.

Its clients come through a balancer on this host, so they have addresses of an office. Imports the gate's code.
"""

import contextlib
import json
import random
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from licensegate.ledger.clients import ClientKey, ClientKind
from licensegate.ledger.entries import ContactEntry, DayEntry, HourEntry, LedgerEntry, ManualEntry, ManualKind
from licensegate.ledger.transfer import export_lines
from support.admin_client import ANY_PORT, admin_port, get_page_until
from support.authority import Authority
from support.gate import COMMAND, Gate, gate_settings
from support.programs import run
from support.standin import StandIn
from support.upstream import SECONDS, closed_port

TOKEN: Final = "a-token-for-the-tests-of-the-pages"
HOSTILE: Final = "<script>document.title='taken'</script><img src=x onerror=alert(1)>\"'{{7*7}}"
RIGHT_TO_LEFT: Final = "\u202egnp.exe\u202c עברית"
LONG: Final = "x" * 900
VERY_LONG: Final = "y" * 10_000

_TARGET: Final = "tools.cisco.com:443"
_SETTINGS: Final = """
[allowlist]
presets = []
[[allowlist.rule]]
host = "tools.cisco.com"
ca = "{root}"
[[allowlist.rule]]
host = "api.cisco.com"
ca = "{root}"
[[allowlist.rule]]
host = "cloudsso.cisco.com"
ca = "{root}"
[state]
directory = "state"
[probe]
handshake = "24h"
"""
_CLIENTS: Final[dict[str, dict[str, Any]]] = {
    "CUCM Tokyo": {"product": "CUCM", "networks": ["10.20.30.40/32"]},
    "CUCM Osaka": {"product": "CUCM", "networks": ["10.20.30.41/32"]},
    "CUC Nagoya": {"product": "CUC", "networks": ["10.20.31.7/32"]},
    "SSM On-Prem": {"product": "SSM", "networks": ["10.20.30.9/32"]},
    "UCCX Sapporo": {"product": "UCCX", "networks": ["10.20.32.5/32"]},
    "CUCM 飛鳥 (ship)": {"product": "CUCM", "networks": [], "reserved": True},
}
_CUCM: Final = "Apache-HttpClient/4.5.13 (Java/1.8.0_402)"


class Past(Struct):
    """A running gate with a past. `origin` is that of its pages."""

    gate: Gate
    origin: str
    opened: list[socket.socket]

    @property
    def pages(self) -> dict[str, str]:
        """The path of each page for people, by a name for its picture; the form to sign in with comes first."""
        osaka = "key=named%3ACUCM+Osaka"
        return {
            "login": "/login",
            "overview": "/",
            "clients": "/clients?page=2",
            "client": f"/client?{osaka}",
            "evidence": f"/evidence?{osaka}&month={datetime.now(UTC) - timedelta(days=100):%Y-%m}",
            "refusals": "/refusals",
            "tunnels": "/tunnels",
        }

    def refuse(self, target: str, program: str = "curl/8.5.0", client: str = "10.20.99.14") -> None:
        """Have a target refused."""
        with self._connect(client, target, program) as connection:
            while connection.recv(65536):
                pass

    def open_tunnel(self, client: str, program: str = _CUCM) -> None:
        """Open a tunnel, send something in TLS, and leave it open."""
        self.opened.append(self._secured(client, _unverified(), program))

    def fail(self, client: str) -> None:
        """Reject the certificate of the target, as a product does that lacks the root."""
        with contextlib.suppress(ssl.SSLError):
            self._secured(client, ssl.create_default_context(), _CUCM).close()

    def _secured(self, client: str, context: ssl.SSLContext, program: str) -> ssl.SSLSocket:
        connection = self._connect(client, _TARGET, program)
        answer = connection.recv(65536)
        assert b" 200 " in answer, answer
        return context.wrap_socket(connection, server_hostname="tools.cisco.com")

    def _connect(self, client: str, target: str, program: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.gate.port), timeout=SECONDS)
        head = f"PROXY TCP4 {client} 10.20.30.1 51022 3128\r\nCONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
        connection.sendall(f"{head}User-Agent: {program}\r\n\r\n".encode())
        return connection


@contextlib.contextmanager
def gate_with_past(folder: Path, authority: Authority, standin: StandIn, *, crowd: bool = True) -> Iterator[Past]:
    """Such a gate. Its targets lead to the stand-in, except api.cisco.com, which refuses.

    With `crowd` there are also 120 clients without a name, and some that choose their names to do harm.
    """
    hosts = {"tools": standin.port, "cloudsso": standin.port, "api": closed_port()}
    (folder / "state").mkdir(mode=0o700)
    (folder / "admin.token").write_text(TOKEN)
    settings = gate_settings(
        *(f"{host}.cisco.com:443:127.0.0.1:{port}" for host, port in hosts.items()),
        admin=ANY_PORT,
        more=_SETTINGS.format(root=authority.root) + "".join(map(_named, _CLIENTS)),
    )
    settings = settings.replace("[[listen]]", '[[listen]]\nproxy_protocol_from = ["127.0.0.1"]')
    settings = settings.replace("[admin]", '[admin]\ntoken_file = "admin.token"')
    (folder / "licensegate.toml").write_text(settings)
    past = b"".join(export_lines(_entries(datetime.now(UTC), crowd=crowd)))
    imported = run(COMMAND, "ledger", "--config", folder / "licensegate.toml", "import", stdin=past)
    assert imported.returncode == 0, imported.stderr
    with Gate(folder, settings) as gate:
        known = Past(gate, f"http://127.0.0.1:{admin_port(gate)}", [])
        _live(known, crowd=crowd)
        yield known
        for connection in known.opened:
            connection.close()


def _named(name: str) -> str:
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in _CLIENTS[name].items())
    return f"[[client]]\nname = {json.dumps(name, ensure_ascii=False)}\n{keys}"


def _live(past: Past, *, crowd: bool) -> None:
    """What happened today."""
    get_page_until(past.gate, "/upstreamz", lambda page: page.body.count('"look"') >= 2)
    past.fail("10.20.30.41")
    past.refuse("smartreceiver.cisco.com:443", _CUCM, "10.20.31.7")
    for number, program in enumerate((HOSTILE, "q" * 2000, "curl/8.5.0") if crowd else ()):
        past.refuse("example.com:443", program, f"10.20.99.{66 + number}")
    past.open_tunnel("10.20.30.40")
    past.open_tunnel("10.20.30.9", "Ruby")
    get_page_until(past.gate, "/api/refusals", lambda page: len(page.json["refusals"]) >= (5 if crowd else 2))


def _entries(now: datetime, *, crowd: bool) -> Iterator[LedgerEntry]:
    chance = random.Random(7)
    yield from _year(ClientKey(ClientKind.NAMED, "CUCM Tokyo"), now, 0, 1.0, chance)
    yield from _year(ClientKey(ClientKind.NAMED, "CUCM Osaka"), now, 82, 0.8, chance)
    yield from _year(ClientKey(ClientKind.NAMED, "CUC Nagoya"), now, 41, 0.2, chance)
    yield from _year(ClientKey(ClientKind.NAMED, "UCCX Sapporo"), now, 3, 0.4, chance)
    for days in (12, 42, 73):
        yield ManualEntry(
            client=ClientKey(ClientKind.NAMED, "SSM On-Prem"),
            what=ManualKind.CONTACT,
            time=now - timedelta(days=days),
            recorded=now - timedelta(days=days - 1),
            recorded_by="sato (uid 1000)",
            note="synchronisation file carried by hand",
        )
    if crowd:
        yield from _crowd(now, chance)


def _crowd(now: datetime, chance: random.Random) -> Iterator[LedgerEntry]:
    yield from _year(ClientKey(ClientKind.LOGIN, HOSTILE), now, 4, 0.1, chance)
    yield from _year(ClientKey(ClientKind.LOGIN, RIGHT_TO_LEFT), now, 5, 0.1, chance)
    yield from _year(ClientKey(ClientKind.LOGIN, LONG), now, 6, 0.1, chance)
    yield from _contact(ClientKey(ClientKind.CERTIFICATE, VERY_LONG), now, 6)
    for number in range(120):
        address = f"10.21.{number // 100}.{number % 100 + 1}"
        yield from _contact(ClientKey(ClientKind.ADDRESS, address), now, 1 + number % 9)


def _year(client: ClientKey, now: datetime, silent: int, often: float, chance: random.Random) -> Iterator[LedgerEntry]:
    """A year of contacts, the last one so many days ago; since then some failed."""
    for days in range(370, silent, -1):
        if chance.random() < often:
            yield from _contact(client, now, days, chance.choice((1, 1, 1, 2, 3, 5, 12)))
    yield from _contact(client, now, silent)
    for days in range(silent - 1, 0, -1):
        if silent > 30 and chance.random() < 0.4:
            time = now - timedelta(days=days)
            yield DayEntry(client=client, target=_TARGET, day=time.date(), connections=2, failed=2)


def _contact(client: ClientKey, now: datetime, days: int, count: int = 1) -> Iterator[LedgerEntry]:
    moment = now - timedelta(days=days, hours=2)
    yield DayEntry(
        client=client,
        target=_TARGET,
        day=moment.date(),
        connections=count,
        answered=count,
        from_client=5200 * count,
        to_client=8700 * count,
    )
    yield ContactEntry(client=client, target=_TARGET, first_success=moment, last_success=moment)
    yield HourEntry(client=client, time=moment)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
