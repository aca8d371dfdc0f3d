"""Clients in a locked rack, whose only way out is the gate's host, and no trick of theirs lets a packet out.

A watcher outside reads each packet that leaves. Only the licensing hosts' public addresses may get one, on 443, and
only their names may be looked up.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator

import pytest

from support.attacks import ATTACKS, INSIDE_TLS, NOT_HTTP, OTHER_FIRST_LINES
from support.authority import CISCO_HOSTS
from support.client_hellos import INVALID_SERVER_NAMES, RECORDED, hello_message, in_records, server_name_extension
from support.gate import Gate, gate_settings
from support.licensing_exchange import HOST
from support.packets import Packet
from support.rack import CLIENT, GATE_INSIDE, GATE_INSIDE_6, GATE_OUTSIDE, Rack, rack
from support.raw_client import CONNECT, read_answer, read_to_break, secured

PUBLIC, SOMEWHERE, SOMEWHERE_6 = "72.163.4.38", "8.8.8.8", "2600:2::1"
PORT, ADMIN_PORT = 3128, 9130
WILDCARD = "*.corp.example.net"
REMEMBERS_NO_NAME = "[dns]\nfresh_seconds = 0\nlast_good_seconds = 0\nfailure_seconds = 0\n"
SEARCH_LIST = "search corp.example.net\noptions ndots:5 timeout:1 attempts:1\n"

NAMES = {(host, "A"): (PUBLIC,) for host in CISCO_HOSTS}
"""The licensing hosts, as a name server that lies about all others has them."""

LIES = {
    (f"{name}.corp.example.net", kind): (address,)
    for name in ("evil.example", "tools.cisco.com", "cisco.com", "wpad")
    for kind, address in (("A", SOMEWHERE), ("AAAA", SOMEWHERE_6))
}
INNER = {
    "the client itself": CLIENT,
    "the gate": GATE_INSIDE,
    "the gate's outer side": GATE_OUTSIDE,
    "loopback": "127.0.0.1",
    "unspecified": "0.0.0.0",
    "cloud metadata": "169.254.169.254",
    "private": "192.168.0.1",
    "shared": "100.64.0.1",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "documentation": "198.51.100.1",
    "benchmarks": "198.18.0.1",
    "reserved": "240.0.0.1",
    "the gate by IPv6": GATE_INSIDE_6,
    "loopback by IPv6": "::1",
    "unique local": "fd00::1",
    "link-local": "fe80::1",
    "mapped": "::ffff:10.0.0.1",
    "NAT64": "64:ff9b::10.0.0.1",
    "6to4": "2002:a00:1::",
    "Teredo": "2001:0:4136:e378:8000:63bf:f5ff:fffe",
}
"""Addresses that no licensing host has: what a name server may say all the same."""

FOREIGN_HELLO = in_records(hello_message(server_name_extension(b"evil.example")))
OWN_HELLO = in_records(hello_message(server_name_extension(HOST.encode())))
FIRST_BYTES = (
    {name: sent for name, (sent, _) in ATTACKS.items()}
    | NOT_HTTP
    | OTHER_FIRST_LINES
    | {f"a ClientHello of {name}": row.hello for name, row in RECORDED.items() if row.server_name not in CISCO_HOSTS}
    | {f"a ClientHello with {name}": in_records(hello_message(sent)) for name, sent in INVALID_SERVER_NAMES.items()}
    | {
        "a ClientHello for another name": FOREIGN_HELLO,
        "a ClientHello for a name of the search list": in_records(hello_message(server_name_extension(b"wpad"))),
        "a single label": b"CONNECT wpad:443 HTTP/1.1\r\n\r\n",
        "a name of the wildcard, another port": b"CONNECT x.corp.example.net:444 HTTP/1.1\r\n\r\n",
        "a PROXY header": b"PROXY TCP4 20.0.0.9 20.0.0.2 1 443\r\n" + CONNECT,
        "a page": b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "a page of an allowed host": b"GET http://tools.cisco.com/ HTTP/1.1\r\nHost: tools.cisco.com\r\n\r\n",
        "an upgrade": b"GET / HTTP/1.1\r\nHost: tools.cisco.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "CONNECT-UDP": b"GET /.well-known/masque/udp/8.8.8.8/53/ HTTP/1.1\r\nUpgrade: connect-udp\r\n\r\n",
        "the admin server": b"CONNECT 127.0.0.1:9130 HTTP/1.1\r\n\r\n",
        "a name in Forwarded": b"CONNECT evil.example:443 HTTP/1.1\r\nForwarded: host=tools.cisco.com\r\n\r\n",
        "a name to another service": b"CONNECT tools.cisco.com:25 HTTP/1.1\r\n\r\n",
    }
)
AROUND = {
    "TCP": (socket.AF_INET, socket.SOCK_STREAM, SOMEWHERE, 443),
    "TCP to a licensing host": (socket.AF_INET, socket.SOCK_STREAM, PUBLIC, 443),
    "TCP over IPv6": (socket.AF_INET6, socket.SOCK_STREAM, SOMEWHERE_6, 443),
    "UDP": (socket.AF_INET, socket.SOCK_DGRAM, SOMEWHERE, 443),
    "a query of a name": (socket.AF_INET, socket.SOCK_DGRAM, GATE_INSIDE, 53),
    "a query past the gate": (socket.AF_INET, socket.SOCK_DGRAM, "20.0.0.1", 53),
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """A rack whose gate's host has a search list, as every pod of Kubernetes has."""
    with rack(tmp_path_factory.mktemp("rack"), NAMES | LIES, SEARCH_LIST) as made:
        yield made


@pytest.fixture(scope="module")
def gate(locked: Rack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gate with the default allowlist and a wildcard, to which the search list would lead every name."""
    rule = f'[allowlist]\npresets = ["cisco-licensing"]\n[[allowlist.rule]]\nhost = "{WILDCARD}"\n'
    settings = gate_settings(admin=f"0.0.0.0:{ADMIN_PORT}", more=rule + REMEMBERS_NO_NAME)
    settings = settings.replace("127.0.0.1:0", f"0.0.0.0:{PORT}")
    with Gate(tmp_path_factory.mktemp("gate"), settings, prefix=locked.gate_host.inside) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(locked: Rack, gate: Gate) -> None:
    """Begin with nothing that left and nothing that was asked: an earlier tunnel may just be ending."""
    locked.settle()
    locked.left()
    locked.dns_server.zone = NAMES | LIES
    locked.dns_server.asked.clear()


Dial = Callable[[Rack], socket.socket]


def dial(locked: Rack) -> socket.socket:
    return locked.connect(PORT)


def dial_tls(locked: Rack) -> socket.socket:
    return secured(locked.connect(PORT))


def send(locked: Rack, sent: bytes, dial: Dial = dial) -> None:
    """Send first bytes, end our side, and read whatever the gate answers."""
    with dial(locked) as connection, contextlib.suppress(OSError):
        connection.sendall(sent)
        if isinstance(connection, ssl.SSLSocket):
            connection.unwrap()
        connection.shutdown(socket.SHUT_WR)
        read_to_break(connection)


def escaped(locked: Rack, tricks: dict[str, bytes], dial: Dial = dial) -> dict[str, tuple[list[Packet], list[object]]]:
    """What left, and which names were asked, for each trick for which there was any."""
    found: dict[str, tuple[list[Packet], list[object]]] = {}
    for name, sent in tricks.items():
        send(locked, sent, dial)
        if (left := locked.left()) or locked.dns_server.asked:
            found[name] = left, [*locked.dns_server.asked]
            locked.dns_server.asked.clear()
    return found


def connect(locked: Rack, hello: bytes) -> int:
    """Ask for a tunnel to a licensing host, send these bytes into it, read to the end, and return the status."""
    with locked.connect(PORT) as connection:
        connection.sendall(CONNECT)
        status = read_answer(connection).status
        if status == 200:
            connection.sendall(hello)
            connection.shutdown(socket.SHUT_WR)
        read_to_break(connection)
    return status


@pytest.fixture
def outside(locked: Rack) -> Iterator[socket.socket]:
    """A server at every address outside, on 443. It accepts nothing: the system completes the connections."""
    with locked.outside.new_socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", 443))
        server.listen(64)
        yield server


def test_the_watcher_sees_what_leaves(locked: Rack) -> None:
    with locked.gate_host.new_socket() as leaving, contextlib.suppress(OSError):
        leaving.settimeout(0.2)
        leaving.connect((SOMEWHERE, 25))
    assert Packet("tcp", SOMEWHERE, 25) in locked.left()


def test_a_licensing_hosts_hello_gets_out(locked: Rack, outside: socket.socket) -> None:
    with locked.connect(PORT) as connection:
        connection.sendall(CONNECT)
        assert read_answer(connection).status == 200
        connection.sendall(OWN_HELLO)
        server, _ = outside.accept()
        with server:
            assert server.recv(65536) == OWN_HELLO
    assert {(packet.address, packet.port) for packet in locked.left()} == {(PUBLIC, 443)}
    assert {name for name, _ in locked.dns_server.asked} == {HOST}


def test_no_first_bytes_let_a_packet_out(locked: Rack) -> None:
    assert escaped(locked, FIRST_BYTES) == {}


def test_none_inside_tls_to_the_gate_do_either(locked: Rack) -> None:
    tricks = {name: sent for name, (sent, _) in INSIDE_TLS.items()}
    assert escaped(locked, tricks, dial_tls) == {}


@pytest.mark.parametrize("address", INNER.values(), ids=INNER.keys())
def test_a_lying_name_server_leads_nowhere(locked: Rack, address: str) -> None:
    locked.dns_server.zone = {(HOST, "AAAA" if ":" in address else "A"): (address,)}
    assert connect(locked, OWN_HELLO) == 502
    assert locked.left() == []


class Rebinding(dict[tuple[str, str], tuple[str, ...]]):
    """A zone with a public address in the first answer, and with inner ones in those that follow."""

    def __init__(self) -> None:
        super().__init__({(HOST, "A"): (PUBLIC,)})
        self.answers = 0

    def get(self, key: object, default: object = None) -> object:  # type: ignore[override]
        if key != (HOST, "A"):
            return ()
        self.answers += 1
        return (PUBLIC,) if self.answers == 1 else (GATE_INSIDE, "169.254.169.254")


def test_a_name_that_changes_is_dialled_where_it_was_checked(locked: Rack, outside: socket.socket) -> None:
    locked.dns_server.zone = zone = Rebinding()
    assert connect(locked, OWN_HELLO) == 200
    outside.accept()[0].close()
    locked.settle()
    assert {(packet.address, packet.port) for packet in locked.left()} == {(PUBLIC, 443)}
    assert zone.answers == 1
    assert connect(locked, OWN_HELLO) == 502
    assert locked.left() == []
    assert zone.answers == 2


def test_a_name_that_is_gone_is_not_searched_for(locked: Rack) -> None:
    locked.dns_server.zone = LIES
    assert connect(locked, OWN_HELLO) == 502
    assert locked.left() == []
    assert {name for name, _ in locked.dns_server.asked} == {HOST}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(FOREIGN_HELLO, id="another server name"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="SSH"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", id="HTTP"),
        pytest.param(bytes(100), id="NULs"),
        pytest.param(OWN_HELLO[:-1], id="half a hello"),
    ],
)
def test_no_other_bytes_get_through_a_tunnel(locked: Rack, outside: socket.socket, sent: bytes) -> None:
    assert connect(locked, sent) in (200, 403, 421)
    left = locked.left()
    assert {(packet.address, packet.port) for packet in left} <= {(PUBLIC, 443)}
    assert b"".join(packet.payload for packet in left) == b""


@pytest.mark.parametrize(("family", "kind", "address", "port"), AROUND.values(), ids=AROUND.keys())
def test_there_is_no_way_around_the_gate(
    locked: Rack, family: socket.AddressFamily, kind: socket.SocketKind, address: str, port: int
) -> None:
    makers = {
        (socket.AF_INET, socket.SOCK_STREAM): locked.clients.new_socket,
        (socket.AF_INET6, socket.SOCK_STREAM): locked.clients.new_ipv6_socket,
        (socket.AF_INET, socket.SOCK_DGRAM): locked.clients.new_datagram_socket,
    }
    with makers[family, kind]() as leaving, contextlib.suppress(OSError):
        leaving.settimeout(0.2)
        leaving.connect((address, port))
        leaving.send(b"out")
    assert locked.left() == []
    assert locked.dns_server.asked == []


def test_the_admin_server_tells_the_rack_nothing_of_clients(locked: Rack) -> None:
    with locked.connect(ADMIN_PORT) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert read_answer(connection).status == 403
    assert locked.left() == []
