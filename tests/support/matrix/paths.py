"""Networks by the name that a scenario gives them: what DNS answers, and what firewalls refuse, drop and lose."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from support.dns_server import DnsServer, Fault, Zone
from support.gate import Gate, gate_settings
from support.licensing_exchange import HOST as TOOLS
from support.matrix.chains import Chains
from support.matrix.requests import HOST as OWN
from support.matrix.servers import run_servers
from support.network import Network
from support.programs import run
from support.requirements import missing, require_command

ADDRESS, ADDRESS_6 = "11.0.0.10", "2600::10"
"""The target's addresses, public ones. Nothing leaves the namespace."""

_ELSEWHERE = "12.0.0.99"  # the namespace has no route to it
_RESOLV_CONF = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
_LARGE = ("-m", "length", "--length", "600:65535")  # holds a certificate or a request, but no hello

Rules = Callable[[int], tuple[tuple[str, ...], ...]]
"""The commands of iptables that make the path; they get the port of the gate."""


class Route(Struct, frozen=True):
    """The target, what the gate's DNS answers for it, what happens to packets, and the gate's settings and address."""

    host: str = TOOLS
    zone: Zone = field(default_factory=lambda: {(TOOLS, "A"): (ADDRESS,)})
    rules: Rules = lambda port: ()
    settings: str = ""
    gate: str = "127.0.0.1:0"
    listens: bool = True


def _answers(*addresses: str, host: str = TOOLS) -> Route:
    return Route(host, {(host, "A"): addresses}, listens=False)


def _fails(fault: Fault) -> Route:
    return Route(zone={(TOOLS, "A"): fault, (TOOLS, "AAAA"): fault}, listens=False)


def _filtered(*rule: str, settings: str = "", command: str = "iptables") -> Route:
    """Packets that match the rule, where GATE stands for the gate's port."""

    def rules(port: int) -> tuple[tuple[str, ...], ...]:
        return ((command, "-A", "INPUT", "-p", "tcp", *(part.replace("GATE", str(port)) for part in rule)),)

    return Route(rules=rules, settings=settings)


_SOON = "[limits]\ndial_seconds = 1\n"
_TO, _FROM = ("-d", ADDRESS, "--dport", "443"), ("-s", ADDRESS, "--sport", "443")

ROUTES: Mapping[str, Route] = {
    "dns_not_found": _fails(Fault.NO_SUCH_NAME),
    "dns_empty": _answers(),
    "dns_failed": _fails(Fault.SERVER_FAILURE),
    "dns_silent": Route(zone=_fails(Fault.SILENCE).zone, settings="[dns]\ntimeout_seconds = 1\n", listens=False),
    "dns_zero": _answers("0.0.0.0"),
    "dns_loopback": _answers("127.0.0.1"),
    "dns_private": _answers("10.9.8.7"),
    "own_private": _answers("10.9.8.7", host=OWN),
    "port_443": Route(gate="127.0.0.1:443"),
    "refused": Route(listens=False),
    "prohibited": _filtered(*_TO, "-j", "REJECT", "--reject-with", "icmp-admin-prohibited"),
    "dropped": _filtered(*_TO, "-j", "DROP", settings=_SOON),
    "dropped_for_long": _filtered(*_TO, "-j", "DROP"),
    "no_route": _answers(_ELSEWHERE),
    "ipv6_dropped": Route(
        zone={(TOOLS, "A"): (ADDRESS,), (TOOLS, "AAAA"): (ADDRESS_6,)},
        rules=lambda port: (("ip6tables", "-A", "INPUT", "-p", "tcp", "-d", ADDRESS_6, "-j", "DROP"),),
    ),
    "flight_lost": _filtered(*_FROM, *_LARGE, "-j", "DROP"),
    "request_lost": _filtered(*_TO, "-m", "length", "--length", "1200:65535", "-j", "DROP"),
    "client_deaf": _filtered("-s", "127.0.0.1", "--sport", "GATE", *_LARGE, "-j", "DROP"),
}


@contextlib.contextmanager
def run_route(route: Route, chains: Chains, folder: Path) -> Iterator[tuple[Gate, tuple[str, ...]]]:
    """Run a gate on this route. Yields it, and the command prefix that enters its network."""
    addresses = (ADDRESS, ADDRESS_6, "2600::1")
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(folder, {}, *addresses, resolv_conf=_RESOLV_CONF))
        stack.enter_context(DnsServer(network.new_datagram_socket(), route.zone))
        if route.listens:
            stack.enter_context(run_servers(chains, {"good"}, lambda: _listener(network)))
        rule = f'[[allowlist.rule]]\nhost = "{OWN}"\n'
        settings = gate_settings(more=rule + route.settings).replace("127.0.0.1:0", route.gate, 1)
        gate = stack.enter_context(Gate(folder, settings, prefix=network.inside))
        for command, *arguments in route.rules(gate.port):
            done = run(*network.inside, require_command(command, "iptables"), *arguments)
            if done.returncode != 0:
                missing(f"what {command} {' '.join(arguments)} needs ({done.stderr.strip()})", "load its module")
        yield gate, network.inside


def _listener(network: Network) -> socket.socket:
    made = network.new_socket()
    made.settimeout(None)
    made.bind((ADDRESS, 443))
    made.listen()
    return made
