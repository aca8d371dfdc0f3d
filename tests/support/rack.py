"""A locked rack: clients whose only way out is the gate's host, and an outside that takes whatever comes.

Three network namespaces with cables between them. The outside has every address there is, so that nothing that leaves
is lost, and a watcher reads each packet that reaches it.
"""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from support.dns_server import DnsServer, Zone
from support.network import Network
from support.packets import Packet, Watcher
from support.programs import run
from support.requirements import missing, require_command
from support.upstream import SECONDS

CLIENT, GATE_INSIDE = "10.1.0.2", "10.1.0.1"
CLIENT_6, GATE_INSIDE_6 = "fd00:1::2", "fd00:1::1"
GATE_OUTSIDE, NAME_SERVER = "20.0.0.2", "20.0.0.1"
GATE_OUTSIDE_6, ROUTER_6 = "2600:1::2", "2600:1::1"

_CABLE = "outside"
_DONE = ("06", "07")  # TIME_WAIT and CLOSE in Linux's tcp_states.h
_CANARY = Packet("udp", NAME_SERVER, 7, b"canary")

_CABLES = f"""
ip link add inside type veth peer name rack netns {{clients}}
ip link add outside type veth peer name outside netns {{outside}}
ip addr add {GATE_INSIDE}/24 dev inside
ip addr add {GATE_INSIDE_6}/64 dev inside nodad
ip addr add {GATE_OUTSIDE}/24 dev outside
ip addr add {GATE_OUTSIDE_6}/64 dev outside nodad
ip link set inside up
ip link set outside up
ip route add default via {NAME_SERVER}
ip -6 route add default via {ROUTER_6}
echo 0 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv6/conf/all/forwarding
"""
_IN_CLIENTS = f"""
ip addr add {CLIENT}/24 dev rack
ip addr add {CLIENT_6}/64 dev rack nodad
ip link set rack up
ip route add default via {GATE_INSIDE}
ip -6 route add default via {GATE_INSIDE_6}
"""
_IN_OUTSIDE = f"""
ip addr add {NAME_SERVER}/24 dev outside
ip addr add {ROUTER_6}/64 dev outside nodad
ip link set outside up
ip route add local default dev lo
ip -6 route add local default dev lo
"""


class Rack(Struct, frozen=True):
    """The three networks. `dns_server` is outside, and all that the gate's host asks."""

    clients: Network
    gate_host: Network
    outside: Network
    dns_server: DnsServer
    watcher: Watcher

    def connect(self, port: int) -> socket.socket:
        """Connect from the clients' network to a port of the gate's host."""
        connection = self.clients.new_socket()
        connection.connect((GATE_INSIDE, port))
        return connection

    def settle(self) -> None:
        """Wait until no connection of the gate's host to the outside has anything left to send."""
        deadline = time.monotonic() + SECONDS
        while any(state not in _DONE for state in self._connections()):
            assert time.monotonic() < deadline, "a connection to the outside stays open"
            time.sleep(0.01)

    def _connections(self) -> Iterator[str]:
        """The states of its TCP connections to port 443, as proc_pid_net(5) has them."""
        for name in ("tcp", "tcp6"):
            for line in Path(f"/proc/{self.gate_host.pid}/net/{name}").read_text().splitlines()[1:]:
                _, _, remote, state, *_ = line.split()
                if remote.endswith(f":{443:04X}"):
                    yield state

    def left(self) -> list[Packet]:
        """The packets that have left for the outside since the last call, queries of names apart."""
        with self.gate_host.new_datagram_socket() as canary:
            canary.sendto(_CANARY.payload, (_CANARY.address, _CANARY.port))
        return [packet for packet in self.watcher.seen_until(_CANARY) if packet.port != 53]


@contextlib.contextmanager
def rack(folder: Path, zone: Zone, resolv_conf: str = "", names: Mapping[str, str] | None = None) -> Iterator[Rack]:
    """Build the networks. `resolv_conf` is further text for the gate's host. Skips where there are no cables (veth)."""
    resolver = f"nameserver {NAME_SERVER}\n{resolv_conf}"
    with (
        Network(folder, names or {}, resolv_conf=resolver) as gate_host,
        Network(folder, {}, neighbour=gate_host) as clients,
        Network(folder, {}, neighbour=gate_host) as outside,
    ):
        _configure(gate_host, _CABLES.format(clients=clients.pid, outside=outside.pid))
        _configure(clients, _IN_CLIENTS)
        _configure(outside, _IN_OUTSIDE)
        with (
            Watcher(outside.new_packet_socket(), _CABLE) as watcher,
            DnsServer(outside.new_datagram_socket(), zone, NAME_SERVER) as dns_server,
        ):
            yield Rack(clients, gate_host, outside, dns_server, watcher)


def _configure(network: Network, commands: str) -> None:
    require_command("ip", "iproute2")
    done = run(*network.inside, "sh", "-ec", commands)
    if done.returncode:
        missing(f"cables between network namespaces ({done.stderr.strip()})", "load the kernel's module veth")
